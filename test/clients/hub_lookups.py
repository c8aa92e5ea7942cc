"""The Hub's look-ups of huggingface_hub and of its command `hf`, with HF_ENDPOINT set and nothing else, as JSON."""

import json
import subprocess
import sys

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

api = HfApi()


def hf(*arguments):
    command = [sys.executable, "-m", "huggingface_hub.cli.hf", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else f"exit {done.returncode}: {done.stderr}"


def mappings(info):
    return [
        [one.provider, one.provider_id, one.status, one.task, one.type, one.adapter, one.adapter_weights_path]
        for one in info.inference_provider_mapping
    ]


def refused(ask):
    try:
        ask()
    except (RepositoryNotFoundError, HfHubHTTPError) as error:
        return [type(error).__name__, error.response.status_code]
    return None


def ids(**wanted):
    return [one.id for one in api.list_models(**wanted)]


expand = ["inferenceProviderMapping", "inference", "pipeline_tag", "tags", "author"]
chat = api.model_info("org/chat", expand=expand)
listed = next(iter(api.list_models(search="org/chat", expand=["inferenceProviderMapping"])))
print(
    json.dumps(
        {
            "whoami": {k: api.whoami()[k] for k in ("type", "name", "isPro")},
            "all": len(ids(inference_provider="all")),
            "pages": ids(author="many"),
            "both": ids(inference_provider=["together", "fal-ai"], author="org", sort="last_modified"),
            "fal": ids(inference_provider="fal-ai"),
            "warm": ids(inference="warm", search="chat"),
            "filtered": ids(filter=["lora"], pipeline_tag="text-to-image"),
            "three": ids(limit=3),
            "chat": {
                "mappings": mappings(chat),
                "inference": chat.inference,
                "pipeline_tag": chat.pipeline_tag,
                "author": chat.author,
            },
            "listed": mappings(listed),
            "lora": mappings(api.model_info("org/lora", expand=["inferenceProviderMapping"])),
            "renamed": [api.model_info("org/former", expand=expand).id, len(mappings(api.model_info("org/former", expand=expand)))],
            "revision": api.model_info("org/chat", revision="main").id,
            "missing": refused(lambda: api.model_info("org/nobody")),
            "unknowable": refused(lambda: ids(gated=True)),
            "cli": {
                "ls": hf("models", "ls", "--inference-provider", "fal-ai", "--format", "json"),
                "info": hf("models", "info", "org/chat", "--expand", "inference,tags"),
                "whoami": hf("auth", "whoami"),
            },
        }
    )
)
