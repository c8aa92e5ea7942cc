"""Python's openai against an OpenAI-shaped address: reads a request as JSON, prints what came of it as JSON."""

import json
import sys

import openai

ask = json.load(sys.stdin)
client = openai.OpenAI(api_key=ask["token"], base_url=ask["base_url"], max_retries=0)


def plain(body):
    answer = client.chat.completions.with_raw_response.create(**body)
    return {
        "headers": dict(answer.headers),
        "body": json.loads(answer.parse().model_dump_json()),
    }


def stream(body):
    chunks = [
        json.loads(chunk.model_dump_json())
        for chunk in client.chat.completions.create(
            **body, stream=True, stream_options={"include_usage": True}
        )
    ]
    return {"chunks": chunks}


def parse(body):
    from pydantic import BaseModel

    class Person(BaseModel):
        name: str
        age: int

    answer = client.chat.completions.parse(**body, response_format=Person)
    return {"parsed": answer.choices[0].message.parsed.model_dump()}


def models(_body):
    return {"ids": [model.id for model in client.models.list()]}


def attempt(job):
    try:
        return {"ok": globals()[job["do"]](job.get("body"))}
    except openai.APIStatusError as error:
        return {
            "error": type(error).__name__,
            "status": error.status_code,
            "code": error.code,
            "message": str(error),
        }


print(json.dumps([attempt(job) for job in ask["jobs"]]))
