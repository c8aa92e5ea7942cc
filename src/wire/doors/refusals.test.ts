import { expect, test } from "bun:test";
import { type ErrorCode, RouterError } from "../../kernel/errors.js";
import {
  EMBEDDING_INPUTS_MAX,
  IMAGE_SIDE_MAX,
  IMAGES_MAX,
  RERANK_DOCUMENTS_MAX,
  SPEECH_CHARS_MAX,
} from "../../kernel/limits.js";
import type { Media } from "../../tasks/media.js";
import type { Json } from "../../tasks/task-call.js";
import type { DoorBody, FormPart } from "./door.js";
import { DOORS } from "./doors.js";

type Refusal = readonly [path: string, change: Json, code: ErrorCode, param: string];

/** A good body for each door that takes JSON. */
const GOOD: Readonly<Record<string, Json>> = {
  "/v1/embeddings": { model: "m", input: "a" },
  "/v1/completions": { model: "m", prompt: "a" },
  "/v1/rerank": { model: "m", query: "a", documents: ["b"] },
  "/v1/images/generations": { model: "m", prompt: "a" },
  "/v1/audio/speech": { model: "m", input: "a" },
};

const many = (count: number): string[] => Array.from({ length: count }, () => "a");
const bad = (path: string, change: Json, param: string): Refusal => [
  `/v1/${path}`,
  change,
  "bad_request",
  param,
];
const not = (path: string, change: Json, param: string): Refusal => [
  `/v1/${path}`,
  change,
  "unsupported_parameter",
  param,
];

const REFUSED: readonly Refusal[] = [
  bad("embeddings", { input: undefined }, "input"),
  bad("embeddings", { input: "" }, "input"),
  bad("embeddings", { input: [] }, "input"),
  bad("embeddings", { input: ["a", ""] }, "input[1]"),
  bad("embeddings", { input: {} }, "input"),
  bad("embeddings", { input: ["a", null] }, "input[1]"),
  bad("embeddings", { input: many(EMBEDDING_INPUTS_MAX + 1) }, "input"),
  not("embeddings", { input: [1, 2, 3] }, "input"),
  not("embeddings", { input: [[1, 2], [3]] }, "input"),
  bad("embeddings", { dimensions: 0 }, "dimensions"),
  bad("embeddings", { dimensions: Number.NaN }, "dimensions"),
  bad("embeddings", { dimensions: "256" }, "dimensions"),
  bad("embeddings", { encoding_format: "int8" }, "encoding_format"),
  bad("completions", { prompt: undefined }, "prompt"),
  bad("completions", { prompt: "" }, "prompt"),
  bad("completions", { prompt: [""] }, "prompt"),
  bad("completions", { prompt: 7 }, "prompt"),
  not("completions", { prompt: [1, 2] }, "prompt"),
  not("completions", { prompt: ["a", "b"] }, "prompt"),
  bad("completions", { max_tokens: 0 }, "max_tokens"),
  bad("completions", { max_tokens: 1.5 }, "max_tokens"),
  bad("completions", { temperature: 3 }, "temperature"),
  bad("completions", { temperature: Number.NaN }, "temperature"),
  bad("completions", { temperature: Number.POSITIVE_INFINITY }, "temperature"),
  bad("completions", { stop: [1] }, "stop"),
  bad("completions", { stream: "yes" }, "stream"),
  bad("completions", { n: 0 }, "n"),
  not("completions", { n: 2 }, "n"),
  not("completions", { best_of: 2 }, "best_of"),
  not("completions", { echo: true }, "echo"),
  not("completions", { logprobs: 1 }, "logprobs"),
  bad("rerank", { query: "" }, "query"),
  bad("rerank", { query: ["a"] }, "query"),
  bad("rerank", { documents: "a" }, "documents"),
  bad("rerank", { documents: [] }, "documents"),
  bad("rerank", { documents: ["a", { title: "b" }] }, "documents[1]"),
  bad("rerank", { documents: many(RERANK_DOCUMENTS_MAX + 1) }, "documents"),
  bad("rerank", { top_n: 0 }, "top_n"),
  bad("rerank", { return_documents: 1 }, "return_documents"),
  not("rerank", { rank_fields: ["title"] }, "rank_fields"),
  bad("images/generations", { prompt: "" }, "prompt"),
  bad("images/generations", { n: 0 }, "n"),
  bad("images/generations", { n: IMAGES_MAX + 1 }, "n"),
  bad("images/generations", { size: "big" }, "size"),
  bad("images/generations", { size: "0x512" }, "size"),
  bad("images/generations", { size: "512x-512" }, "size"),
  bad("images/generations", { size: `512x${IMAGE_SIDE_MAX + 1}` }, "size"),
  bad("images/generations", { size: 512 }, "size"),
  bad("images/generations", { response_format: "png" }, "response_format"),
  bad("images/generations", { num_inference_steps: 0 }, "num_inference_steps"),
  bad("images/generations", { guidance_scale: Number.NaN }, "guidance_scale"),
  bad("images/generations", { negative_prompt: ["a"] }, "negative_prompt"),
  not("images/generations", { stream: true }, "stream"),
  bad("audio/speech", { input: "" }, "input"),
  bad("audio/speech", { input: "a".repeat(SPEECH_CHARS_MAX + 1) }, "input"),
  bad("audio/speech", { voice: 7 }, "voice"),
  bad("audio/speech", { voice: { id: "v" } }, "voice"),
  bad("audio/speech", { speed: 0.1 }, "speed"),
  bad("audio/speech", { speed: "fast" }, "speed"),
  bad("audio/speech", { response_format: "midi" }, "response_format"),
  not("audio/speech", { stream_format: "sse" }, "stream_format"),
];

function refusalOf(path: string, body: DoorBody) {
  try {
    DOORS[path]?.parse(body);
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof RouterError)) throw thrown;
    return { code: thrown.code, param: thrown.detail.param, message: thrown.message };
  }
}

test("what a door cannot do it refuses, and names the field", () => {
  for (const [path, change, code, param] of REFUSED) {
    const refusal = refusalOf(path, { kind: "json", json: { ...GOOD[path], ...change } });
    const where = `${path} ${JSON.stringify(change).slice(0, 80)}`;
    expect({ where, ...refusal }).toMatchObject({ where, code, param });
    expect(refusal?.message).toContain(`"${param}"`);
  }
});

test("every door wants a model and a provider object, and each the right kind of body", () => {
  for (const [path, json] of Object.entries(GOOD)) {
    expect(refusalOf(path, { kind: "json", json })).toBeUndefined();
    for (const model of [undefined, "", 7, "m".repeat(300)]) {
      expect(refusalOf(path, { kind: "json", json: { ...json, model } })).toMatchObject({
        code: "bad_request",
        param: "model",
      });
    }
    const odd = { kind: "json", json: { ...json, provider: "together" } } as const;
    expect(refusalOf(path, odd)).toMatchObject({ code: "bad_request", param: "provider" });
    const form = refusalOf(path, { kind: "form", parts: [] });
    expect(form?.message).toBe("This route takes application/json.");
  }
  for (const path of ["/v1/images/edits", "/v1/audio/transcriptions"]) {
    const plain = refusalOf(path, { kind: "json", json: { model: "m" } });
    expect(plain?.message).toBe("This route takes multipart/form-data.");
  }
});

const FILE: Media = { bytes: Buffer.from("file"), type: "image/png" };
const EMPTY: Media = { bytes: new Uint8Array(), type: "image/png" };
const field = (name: string, text: string): FormPart => ({ name, text });
const file = (name: string, media = FILE): FormPart => ({ name, media });

test("forms without the one file, or with what cannot be honoured, are refused by name", () => {
  const edit = (...parts: FormPart[]) =>
    ["/v1/images/edits", field("prompt", "p"), ...parts] as const;
  const said = (...parts: FormPart[]) =>
    ["/v1/audio/transcriptions", file("file"), ...parts] as const;
  const refused: readonly (readonly [
    request: readonly [path: string, ...parts: FormPart[]],
    code: ErrorCode,
    param: string,
  ])[] = [
    [edit(), "bad_request", "image"],
    [edit(field("image", "https://x.example/a.png")), "bad_request", "image"],
    [edit(file("image", EMPTY)), "bad_request", "image"],
    [edit(file("image[]"), file("image[]")), "unsupported_parameter", "image"],
    [edit(file("image"), file("mask")), "unsupported_parameter", "mask"],
    [edit(file("image"), field("n", "NaN")), "bad_request", "n"],
    [edit(file("image"), field("n", "11")), "bad_request", "n"],
    [edit(file("image"), field("prompt", "again")), "bad_request", "prompt"],
    [["/v1/images/edits", file("image"), field("prompt", "")], "bad_request", "prompt"],
    [["/v1/audio/transcriptions"], "bad_request", "file"],
    [said(field("response_format", "docx")), "bad_request", "response_format"],
    [said(field("temperature", "hot")), "bad_request", "temperature"],
    [said(field("temperature", "1e9")), "bad_request", "temperature"],
    [said(field("stream", "true")), "unsupported_parameter", "stream"],
    [said(field("timestamp_granularities[]", "word")), "bad_request", "response_format"],
    [
      said(
        field("response_format", "verbose_json"),
        field("timestamp_granularities[]", "word"),
        field("timestamp_granularities[]", "segment"),
      ),
      "unsupported_parameter",
      "timestamp_granularities",
    ],
    [
      said(field("timestamp_granularities[]", "letter")),
      "bad_request",
      "timestamp_granularities[0]",
    ],
  ];
  for (const [[path, ...parts], code, param] of refused) {
    const refusal = refusalOf(path, { kind: "form", parts: [...parts, field("model", "m")] });
    expect({ param, ...refusal }).toMatchObject({ param, code });
  }
});
