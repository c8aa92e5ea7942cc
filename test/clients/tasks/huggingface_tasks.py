"""Python's huggingface_hub, unmodified, through use_turnpike: reads rows as JSON, prints what came of each as JSON."""

import base64
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "..", "clients"))

from huggingface_hub import InferenceClient  # noqa: E402
from huggingface_hub.inference._providers import PROVIDERS  # noqa: E402
from turnpike_hf import use_turnpike  # noqa: E402

ask = json.load(sys.stdin)
use_turnpike(ask["origin"])
picture = base64.b64decode(ask["picture"])
sound = base64.b64decode(ask["sound"])

TABLE = {"Repo": ["Transformers", "Datasets"], "Stars": ["36542", "4512"]}
COLUMNS = {"alcohol": ["9.4", "9.8"], "pH": ["3.51", "3.2"]}

ASKS = {
    "text-generation": lambda c: c.text_generation("Paris is", max_new_tokens=8),
    "feature-extraction": lambda c: c.feature_extraction(["a fox", "a dog"]).tolist(),
    "text-to-image": lambda c: c.text_to_image("a fox"),
    # One that enlarges has no use for words, and says so.
    "image-to-image": lambda c: c.image_to_image(
        picture, prompt=None if c.model.startswith("embedded/") else "at night"
    ),
    "text-to-video": lambda c: c.text_to_video("a fox runs"),
    "image-to-video": lambda c: c.image_to_video(picture, prompt="it runs"),
    "image-segmentation": lambda c: c.image_segmentation(picture),
    "automatic-speech-recognition": lambda c: c.automatic_speech_recognition(sound).text,
    # Together wants a voice, and this client has none to fall back on.
    "text-to-speech": lambda c: c.text_to_speech(
        "Hello there",
        extra_body={"voice": "af_alloy"} if c.provider == "together" else None,
    ),
    "audio-to-audio": lambda c: c.audio_to_audio(sound),
    "image-to-text": lambda c: c.image_to_text(picture).generated_text,
    "sentence-similarity": lambda c: c.sentence_similarity(
        "a fox", other_sentences=["a dog", "a car"]
    ),
    "text-classification": lambda c: c.text_classification("I like it"),
    "token-classification": lambda c: c.token_classification("I am Ada, in London"),
    "zero-shot-classification": lambda c: c.zero_shot_classification(
        "I want my money back", candidate_labels=["refund", "faq"]
    ),
    "question-answering": lambda c: c.question_answering(
        question="Where?", context="In Paris."
    ).answer,
    "table-question-answering": lambda c: c.table_question_answering(
        TABLE, query="How many?"
    ).answer,
    "fill-mask": lambda c: c.fill_mask("[MASK] world!"),
    "summarization": lambda c: c.summarization("The tower is tall.").summary_text,
    "translation": lambda c: c.translation("My name is Ada").translation_text,
    "audio-classification": lambda c: c.audio_classification(sound),
    "image-classification": lambda c: c.image_classification(picture),
    "object-detection": lambda c: c.object_detection(picture),
    "zero-shot-image-classification": lambda c: c.zero_shot_image_classification(
        picture, candidate_labels=["cat", "dog"]
    ),
    "document-question-answering": lambda c: c.document_question_answering(
        picture, question="Invoice number?"
    ),
    "visual-question-answering": lambda c: c.visual_question_answering(
        picture, question="Who?"
    ),
    "tabular-classification": lambda c: c.tabular_classification(COLUMNS),
}


class Pinned:
    """A client whose every call names the row's model."""

    def __init__(self, row):
        self.provider = row["provider"]
        self.model = row["model"]
        self.client = InferenceClient(provider=row["provider"], api_key=ask["token"])

    def __getattr__(self, name):
        method = getattr(self.client, name)
        return lambda *given, **named: method(*given, model=self.model, **named)


def attempt(row):
    if row["task"] not in PROVIDERS.get(row["provider"], {}) or row["task"] not in ASKS:
        return "none"
    try:
        result = ASKS[row["task"]](Pinned(row))
    except Exception as error:
        return {"fault": f"{type(error).__name__}: {error}"[:300]}
    is_empty = result is None or (hasattr(result, "__len__") and len(result) == 0)
    return {"fault": "nothing came"} if is_empty else "ok"


with ThreadPoolExecutor(8) as pool:
    print(json.dumps(list(pool.map(attempt, ask["rows"]))))
