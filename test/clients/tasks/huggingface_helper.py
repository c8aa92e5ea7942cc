"""clients/turnpike_hf.py with huggingface_hub: reads a request as JSON, prints what came of it as JSON."""

import asyncio
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "..", "clients"))

import huggingface_hub  # noqa: E402
from huggingface_hub import AsyncInferenceClient, HfApi, InferenceClient  # noqa: E402
from turnpike_hf import use_turnpike  # noqa: E402

ask = json.load(sys.stdin)


def name_of(call):
    try:
        call()
    except Exception as error:
        return type(error).__name__


bad_origin = name_of(lambda: use_turnpike("127.0.0.1:7070"))
use_turnpike(ask["origin"])
api = HfApi(token=ask["token"])
messages = [{"role": "user", "content": "hi"}]


def served_by(model):
    info = api.model_info(model, expand="inferenceProviderMapping")
    return [one.provider for one in info.inference_provider_mapping]


def chat():
    client = InferenceClient(api_key=ask["token"])
    return bool(client.chat_completion(messages, model=ask["chat"]).choices)


async def async_chat():
    async with AsyncInferenceClient(api_key=ask["token"]) as client:
        return bool((await client.chat_completion(messages, model=ask["chat"])).choices)


def kept():
    """What the requests that are none of ours are, when they leave."""
    session = huggingface_hub.get_session()
    urls = ["https://huggingface.co/api/models/org/model/tree/main", "https://v3.fal.media/a.jpg"]
    seen = []
    for url in urls:
        request = session.build_request("GET", url)
        transport = session._transport_for_url(request.url)
        pool = getattr(transport, "_pool", None)
        pool.handle_request = lambda sent: seen.append(
            f"{sent.url.scheme.decode()}://{sent.url.host.decode()}{sent.url.target.decode()}"
        )
        name_of(lambda: transport.handle_request(request))
    return seen


print(
    json.dumps(
        {
            "whoami": api.whoami()["name"],
            "served_by": served_by("BAAI/bge-multilingual-gemma2"),
            "unknown": name_of(lambda: api.model_info("no/such-model")),
            "chat": chat(),
            "async_chat": asyncio.run(async_chat()),
            "kept": kept(),
            "bad_origin": bad_origin,
        }
    )
)
