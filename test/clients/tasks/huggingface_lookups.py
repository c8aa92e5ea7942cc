"""huggingface_hub's own look-ups with HF_ENDPOINT set and nothing else: prints what they found as JSON."""

import json

from huggingface_hub import HfApi

api = HfApi()
model = "BAAI/bge-multilingual-gemma2"
info = api.model_info(model, expand=["inferenceProviderMapping", "pipeline_tag", "inference"])
listed = api.list_models(inference_provider="scaleway", search="gemma2", limit=5)
print(
    json.dumps(
        {
            "whoami": api.whoami()["name"],
            "served_by": [one.provider for one in info.inference_provider_mapping],
            "pipeline_tag": info.pipeline_tag,
            "inference": info.inference,
            "warm": [one.id for one in listed],
        }
    )
)
