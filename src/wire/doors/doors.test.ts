import { expect, test } from "bun:test";
import { RouterError } from "../../kernel/errors.js";
import { nanoUsd } from "../../kernel/money.js";
import type { Media, MediaSource } from "../../tasks/media.js";
import type { Delivered, Json } from "../../tasks/task-call.js";
import { noUsage, type Usage } from "../../tasks/usage.js";
import type { AnswerFacts, FormPart } from "./door.js";
import { DOORS } from "./doors.js";
import { readDoorBody } from "./form.js";

const door = (path: string) => {
  const found = DOORS[`/v1/${path}`];
  if (!found) throw new Error(`no door ${path}`);
  return found;
};
const ask = (path: string, json: Json) => door(path).parse({ kind: "json", json });
const askForm = (path: string, ...parts: readonly FormPart[]) =>
  door(path).parse({ kind: "form", parts });

const field = (name: string, text: string): FormPart => ({ name, text });
const WAV: Media = { bytes: Buffer.from("RIFF....WAVEfmt "), type: "audio/wav" };
const PNG: Media = { bytes: Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), type: "image/png" };

const facts = (usage: Partial<Usage> = {}): AnswerFacts => ({
  id: "req-1",
  model: "org/model",
  at: 1_767_225_600_999,
  usage: { ...noUsage, ...usage },
  cost: nanoUsd(1_234n),
});
const COST = { cost: 0.000001234, cost_nano_usd: "1234" };
const json = (value: unknown): Delivered => ({ kind: "json", json: value });
const media = (...sources: readonly MediaSource[]): Delivered => ({
  kind: "media",
  media: sources,
});
const bodyOf = (answer: { readonly body: string | Uint8Array }) => JSON.parse(String(answer.body));

test("embeddings: texts go as a list, options beside them, and our own members nowhere", () => {
  const provider = { order: ["together"] };
  const more = { dimensions: 256, truncate: true, user: "u", seed: null };
  const asked = ask("embeddings", { model: "org/model:fastest", input: "a", provider, ...more });
  expect(asked).toMatchObject({
    model: "org/model:fastest",
    controls: { order: ["together"] },
    tasks: ["feature-extraction"],
    format: "float",
    count: 1,
  });
  expect(asked.input).toEqual({
    inputs: ["a"],
    media: undefined,
    parameters: {},
    extra: { truncate: true, dimensions: 256 },
  });
});

test("embeddings: floats as numbers or as little-endian base64, with what they cost", () => {
  const both = { model: "org/model", input: ["a", "b"] };
  const vectors = json([
    [1, -2.5],
    [0, 0.5],
  ]);
  const floats = door("embeddings").print(
    ask("embeddings", both),
    vectors,
    facts({ inputTokens: 4 }),
  );
  expect(floats.type).toBe("application/json");
  expect(bodyOf(floats)).toEqual({
    object: "list",
    data: [
      { object: "embedding", index: 0, embedding: [1, -2.5] },
      { object: "embedding", index: 1, embedding: [0, 0.5] },
    ],
    model: "org/model",
    usage: { prompt_tokens: 4, total_tokens: 4, ...COST },
  });
  const packed = ask("embeddings", { ...both, encoding_format: "base64" });
  const [first] = bodyOf(door("embeddings").print(packed, vectors, facts())).data;
  expect(Buffer.from(first.embedding, "base64").toString("hex")).toBe("0000803f000020c0");
  const one = ask("embeddings", { model: "org/model", input: "a" });
  expect(bodyOf(door("embeddings").print(one, json([1, 2]), facts())).data).toHaveLength(1);
});

test("an output that is none of the task's is the provider's error", () => {
  const input = { model: "m", input: ["a", "b"] };
  const documents = { model: "m", query: "q", documents: ["a", "b"] };
  const picture = { model: "m", prompt: "p" };
  const outputs: readonly (readonly [path: string, body: Json, output: Delivered])[] = [
    ["embeddings", input, json([[1]])],
    ["embeddings", input, json([[[1]], [[2]]])],
    ["embeddings", input, json({ error: "x" })],
    ["embeddings", input, media(WAV)],
    ["completions", { model: "m", prompt: "p" }, json([{}])],
    ["rerank", documents, json({ scores: [] })],
    ["rerank", documents, json([{ index: 2, score: 1 }])],
    [
      "rerank",
      documents,
      json([
        { index: 1, score: 1 },
        { index: 1, score: 2 },
      ]),
    ],
    ["rerank", documents, json(["high", "low"])],
    ["images/generations", picture, json({})],
    ["images/generations", picture, media()],
    ["images/generations", picture, media({ url: "https://cdn.example/a.png" })],
    ["audio/speech", { model: "m", input: "hi" }, json({})],
  ];
  for (const [path, body, output] of outputs) {
    const print = () => door(path).print(ask(path, body), output, facts());
    expect(print).toThrow(RouterError);
    expect(print).toThrow("cannot be given in this form");
  }
});

test("completions: OpenAI's names become the task's, and its answer OpenAI's", () => {
  const asked = ask("completions", {
    model: "org/model",
    prompt: ["Paris is"],
    max_tokens: 10,
    temperature: 0,
    stop: ["\n"],
    n: 1,
    echo: false,
    stream: true,
    top_k: 5,
  });
  expect(asked).toMatchObject({ tasks: ["text-generation"], isStream: true });
  expect(asked.input).toMatchObject({
    inputs: "Paris is",
    parameters: { max_new_tokens: 10, temperature: 0, stop: ["\n"], top_k: 5 },
  });
  expect(asked.input.parameters).not.toHaveProperty("max_tokens");
  const output = json([{ generated_text: " a city", details: { finish_reason: "eos_token" } }]);
  expect(
    bodyOf(door("completions").print(asked, output, facts({ inputTokens: 3, outputTokens: 2 }))),
  ).toEqual({
    id: "req-1",
    object: "text_completion",
    created: 1_767_225_600,
    model: "org/model",
    choices: [{ text: " a city", index: 0, logprobs: null, finish_reason: "stop" }],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5, ...COST },
  });
});

test("rerank: best first, as many as wanted, whichever way the scores came", () => {
  const documents = ["a", { text: "b" }, "c"];
  const asked = ask("rerank", {
    model: "m",
    query: "q",
    documents,
    top_n: 2,
    return_documents: true,
  });
  expect(asked.input.inputs).toEqual({ source_sentence: "q", sentences: ["a", "b", "c"] });
  expect(asked.tasks).toEqual(["text-ranking", "sentence-similarity"]);
  const scored = [
    { index: 2, score: 0.2 },
    { index: 1, score: 0.9 },
    { index: 0, score: 0.5 },
  ];
  for (const output of [[0.5, 0.9, 0.2], scored]) {
    expect(bodyOf(door("rerank").print(asked, json(output), facts()))).toMatchObject({
      id: "req-1",
      results: [
        { index: 1, relevance_score: 0.9, document: { text: "b" } },
        { index: 0, relevance_score: 0.5, document: { text: "a" } },
      ],
      usage: COST,
    });
  }
  const plain = ask("rerank", { model: "m", query: "q", documents: ["a"] });
  const { results } = bodyOf(door("rerank").print(plain, json([0.1]), facts()));
  expect(results).toEqual([{ index: 0, relevance_score: 0.1 }]);
});

test("images: size becomes width and height, and what image models know of goes on", () => {
  const asked = ask("images/generations", {
    model: "m",
    prompt: "a fox",
    n: 2,
    size: "1024x768",
    num_inference_steps: 4,
    negative_prompt: "dogs",
    response_format: "url",
  });
  expect(asked).toMatchObject({ count: 2, wantsUrls: true, format: "url" });
  expect(asked.input).toMatchObject({
    inputs: "a fox",
    parameters: { width: 1024, height: 768, num_inference_steps: 4, negative_prompt: "dogs", n: 2 },
  });
  const plain = ask("images/generations", { model: "m", prompt: "a fox", size: "auto", n: 1 });
  expect(plain.input.parameters).toEqual({});
  expect(plain).toMatchObject({ count: 1, wantsUrls: false, format: "b64_json" });
});

test("images: bytes as base64, and where a URL was wanted the provider's or one made of the bytes", () => {
  const print = (format: string, ...sources: readonly MediaSource[]) => {
    const asked = ask("images/generations", { model: "m", prompt: "p", response_format: format });
    const measured = { images: 1, pixels: 1_500_000 };
    return bodyOf(door("images/generations").print(asked, media(...sources), facts({ measured })));
  };
  const base64 = Buffer.from(PNG.bytes).toString("base64");
  expect(print("b64_json", PNG, PNG)).toEqual({
    created: 1_767_225_600,
    data: [{ b64_json: base64 }, { b64_json: base64 }],
    usage: { images: "1", megapixels: "1.5", ...COST },
  });
  const url = "https://cdn.example/a.png";
  expect(print("url", { url }, PNG).data).toEqual([
    { url },
    { url: `data:image/png;base64,${base64}` },
  ]);
});

test("image edits: the image of the form, with its size as the one to reach", () => {
  for (const name of ["image", "image[]"]) {
    const asked = askForm(
      "images/edits",
      field("model", "org/model"),
      { name, media: PNG },
      field("prompt", "make it night"),
      field("size", "512x256"),
      field("n", "3"),
      field("guidance_scale", "2.5"),
      field("stream", "false"),
    );
    expect(asked).toMatchObject({
      tasks: ["image-to-image", "image-text-to-image"],
      count: 3,
      input: {
        inputs: undefined,
        media: PNG,
        parameters: {
          prompt: "make it night",
          target_size: { width: 512, height: 256 },
          n: 3,
          guidance_scale: 2.5,
        },
      },
    });
  }
});

test("image edits: without a prompt, for models that need none", () => {
  const asked = askForm("images/edits", field("model", "m"), { name: "image", media: PNG });
  expect(asked.input.parameters).toEqual({});
});

test("speech: the sound itself, in the provider's own form unless one was asked for", () => {
  const asked = ask("audio/speech", { model: "m", input: "Hello", voice: "af", speed: 1.5 });
  expect(asked.input).toMatchObject({ inputs: "Hello", parameters: { voice: "af", speed: 1.5 } });
  expect(asked.input.parameters).not.toHaveProperty("response_format");
  expect(door("audio/speech").print(asked, media(WAV), facts())).toEqual({
    type: "audio/wav",
    body: WAV.bytes,
  });
  const mp3 = ask("audio/speech", { model: "m", input: "Hello", response_format: "mp3" });
  expect(mp3.input.parameters).toEqual({ response_format: "mp3" });
  expect(mp3.format).toBe("mp3");
});

const sound = (...more: readonly FormPart[]) =>
  askForm("audio/transcriptions", field("model", "m"), { name: "file", media: WAV }, ...more);
const SAID = {
  text: " Hello there. Bye",
  chunks: [
    { text: " Hello --> there.", timestamp: [0, 1.25] },
    { text: " Bye", timestamp: [3661.5, null] },
  ],
};

test("transcriptions: times are asked for where the answer shows them", () => {
  const timestamps = (...more: readonly FormPart[]) =>
    sound(...more).input.parameters.return_timestamps;
  expect(timestamps()).toBeUndefined();
  expect(timestamps(field("response_format", "text"))).toBeUndefined();
  for (const format of ["srt", "vtt", "verbose_json"]) {
    expect(timestamps(field("response_format", format))).toBe(true);
  }
  const words = field("timestamp_granularities[]", "word");
  expect(timestamps(field("response_format", "verbose_json"), words)).toBe("word");
  const asked = sound(field("language", "en"), field("temperature", "0.2"));
  expect(asked.input).toMatchObject({
    media: WAV,
    parameters: { language: "en", temperature: 0.2 },
  });
});

test("transcriptions: every form of what was said", () => {
  const measured = { audioNanoseconds: 3_662_000_000_000 };
  const print = (format: string, said: unknown = SAID, usage: Partial<Usage> = { measured }) =>
    door("audio/transcriptions").print(
      sound(field("response_format", format)),
      json(said),
      facts(usage),
    );
  expect(bodyOf(print("json"))).toEqual({
    text: SAID.text,
    usage: { type: "duration", seconds: 3662, audio_seconds: "3662", ...COST },
  });
  expect(print("text")).toEqual({ type: "text/plain; charset=utf-8", body: `${SAID.text}\n` });
  expect(print("srt").body).toBe(
    "1\n00:00:00,000 --> 00:00:01,250\nHello -> there.\n\n2\n01:01:01,500 --> 01:01:02,000\nBye\n\n",
  );
  expect(print("vtt").body).toBe(
    "WEBVTT\n\n00:00:00.000 --> 00:00:01.250\nHello -> there.\n\n01:01:01.500 --> 01:01:02.000\nBye\n\n",
  );
  expect(bodyOf(print("verbose_json"))).toMatchObject({
    task: "transcribe",
    duration: 3662,
    segments: [
      { id: 0, start: 0, end: 1.25 },
      { id: 1, start: 3661.5, end: 3662 },
    ],
  });
  const untimed = { text: "all of it" };
  expect(print("srt", untimed).body).toBe("1\n00:00:00,000 --> 01:01:02,000\nall of it\n\n");
  expect(print("srt", { text: "" }).body).toBe("");
  expect(bodyOf(print("json", untimed, { inputTokens: 2, outputTokens: 3 })).usage).toEqual({
    type: "tokens",
    input_tokens: 2,
    output_tokens: 3,
    total_tokens: 5,
    ...COST,
  });
});

test("a body is read as the form or the JSON that its type says, with files told by their bytes", async () => {
  const form = new FormData();
  form.append("model", "m");
  form.append("file", new File([new Uint8Array(WAV.bytes)], "sound"));
  const sent = new Response(form);
  const type = sent.headers.get("content-type");
  const body = await readDoorBody(type, await sent.bytes());
  expect(door("audio/transcriptions").parse(body).input.media).toEqual({
    bytes: new Uint8Array(WAV.bytes),
    type: "audio/wav",
  });
  const bytes = new TextEncoder().encode('{"model":"m","input":"x"}');
  for (const said of [null, "application/json; charset=utf-8", "text/plain"]) {
    expect(await readDoorBody(said, bytes)).toMatchObject({ kind: "json", json: { input: "x" } });
  }
  for (const [said, text] of [
    [type, "no form at all"],
    [null, "[1]"],
    [null, '{"a":1,"a":2}'],
    [null, '{"a":NaN}'],
    [null, ""],
  ] as const) {
    const broken = new TextEncoder().encode(text);
    await expect(readDoorBody(said, broken)).rejects.toThrow(RouterError);
  }
});
