"""huggingface_hub's streamed text generation, unmodified: reads what to ask as JSON, prints what came as JSON."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "clients"))

from huggingface_hub import InferenceClient  # noqa: E402
from turnpike_hf import use_turnpike  # noqa: E402

ask = json.load(sys.stdin)
use_turnpike(ask["origin"])


def attempt(job):
    # A model that is a URL is asked as it is: so the server chooses who serves it.
    given = {"api_key": ask["token"], "model": job["model"]}
    if "provider" in job:
        given["provider"] = job["provider"]
    client = InferenceClient(**given)
    try:
        events = client.text_generation(
            job["prompt"], stream=True, max_new_tokens=6, details=job["details"]
        )
        return {"events": [vars(one) if job["details"] else one for one in events]}
    except Exception as error:  # noqa: BLE001
        return {"error": type(error).__name__, "message": str(error)}


print(json.dumps([attempt(job) for job in ask["jobs"]], default=vars))
