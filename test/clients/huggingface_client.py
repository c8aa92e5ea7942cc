"""Python's huggingface_hub with `base_url`: reads a request as JSON, prints what came of it as JSON."""

import json
import sys

from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

ask = json.load(sys.stdin)
client = InferenceClient(
    base_url=ask["base_url"], api_key=ask["token"], bill_to=ask.get("bill_to")
)


def plain(body):
    return {"body": client.chat.completions.create(**body)}


def stream(body):
    chunks = client.chat.completions.create(
        **body, stream=True, stream_options={"include_usage": True}
    )
    return {"chunks": list(chunks)}


def attempt(job):
    try:
        return {"ok": globals()[job["do"]](job.get("body"))}
    except HfHubHTTPError as error:
        return {
            "error": type(error).__name__,
            "status": error.response.status_code,
            "message": str(error),
        }


print(json.dumps([attempt(job) for job in ask["jobs"]]))
