/** The `openai` package from npm, unmodified, at the doors beside chat. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import OpenAI, { toFile } from "openai";
import { typeOfMedia } from "../../src/tasks/media-type.js";
import { booked, type Front, startFront } from "./support.js";
import { DONE, doneOf } from "./tasks/done.js";
import { picture, sound } from "./tasks/files.js";
import { rows } from "./tasks/rows.js";

let front: Front;
let openai: OpenAI;

beforeAll(async () => {
  front = await startFront();
  openai = new OpenAI({ apiKey: front.ada.token, baseURL: front.baseUrl, maxRetries: 0 });
});
afterAll(() => front.stop());

/** What these doors cannot do yet, or never will. */
const CANNOT: Readonly<Record<string, string>> = {
  "facebook/bart-base:hf-inference": "it has a vector for each token and none for a text",
};

/** Tasks that these tests asked for, with whoever served them. */
const asked: { readonly task: string; readonly servedBy: string }[] = [];

/** Each provider's model of a task, pinned. */
function pinnedModels(task: string): string[] {
  const able = rows.filter(
    (row) => row.task === task && !(`${row.model}:${row.servedBy}` in CANNOT),
  );
  asked.push(...able);
  return able.map(({ servedBy, model }) => `${model}:${servedBy}`);
}

/** That an answer was charged, and says so. */
async function expectCharged(response: Response, provider: string): Promise<void> {
  const row = await booked(front, response.headers.get("inference-id") ?? "");
  const cost = response.headers.get("x-turnpike-cost-nano-usd");
  expect(row).toMatchObject({ provider, outcome: "served", cost: BigInt(cost ?? -1) });
}

/** The provider behind a colon; no model's id has one. */
const providerOf = (model: string): string => model.slice(model.indexOf(":") + 1);

const isEmbedded = (model: string): boolean => model.startsWith("embedded/");

for (const model of pinnedModels("feature-extraction")) {
  test(`embeddings of ${model}, as floats and as the client prefers them`, async () => {
    const input = ["a fox", "a dog"];
    const asked = { model, input, encoding_format: "float" } as const;
    const { data, response } = await openai.embeddings.create(asked).withResponse();
    const packed = await openai.embeddings.create({ model, input });
    expect(data.data).toHaveLength(2);
    expect(data.usage.prompt_tokens).toBeGreaterThanOrEqual(0);
    expect(data.usage).toHaveProperty("cost_nano_usd");
    for (const [i, { embedding }] of data.data.entries()) {
      const same = packed.data[i]?.embedding ?? [];
      expect(same).toHaveLength(embedding.length);
      expect(same[0]).toBeCloseTo(embedding[0] ?? Number.NaN, 5);
    }
    await expectCharged(response, providerOf(model));
  });
}

for (const model of pinnedModels("text-to-image")) {
  test(`an image of ${model}, as bytes and as a URL`, async () => {
    const asked = { model, prompt: "a fox", size: "1024x1024" } as const;
    const { data, response } = await openai.images.generate(asked).withResponse();
    const bytes = Buffer.from(data.data?.[0]?.b64_json ?? "", "base64");
    expect(typeOfMedia(bytes, undefined)).toStartWith("image/");
    await expectCharged(response, providerOf(model));
    const linked = await openai.images.generate({ ...asked, response_format: "url" });
    expect(linked.data?.[0]?.url).toMatch(/^(https?:|data:image\/)/);
  });
}

for (const model of pinnedModels("image-to-image")) {
  test(`an edit by ${model}`, async () => {
    const image = await toFile(picture, "picture.jpg", { type: picture.type });
    // One that enlarges has no use for words, and says so.
    const words = isEmbedded(model) ? {} : { prompt: "at night" };
    const asked = { model, image, ...words } as OpenAI.ImageEditParamsNonStreaming;
    const { data, response } = await openai.images.edit(asked).withResponse();
    const bytes = Buffer.from(data.data?.[0]?.b64_json ?? "", "base64");
    expect(typeOfMedia(bytes, undefined)).toStartWith("image/");
    await expectCharged(response, providerOf(model));
  });
}

for (const model of pinnedModels("automatic-speech-recognition")) {
  test(`a transcription by ${model}, in every form`, async () => {
    const file = await toFile(sound, "sound.wav", { type: sound.type });
    const { data, response } = await openai.audio.transcriptions
      .create({ model, file })
      .withResponse();
    expect(data.text.length).toBeGreaterThan(0);
    await expectCharged(response, providerOf(model));
    const verbose = await openai.audio.transcriptions.create({
      model,
      file,
      response_format: "verbose_json",
    });
    expect(verbose.segments?.length).toBeGreaterThan(0);
    expect(verbose.duration).toBeGreaterThan(0);
    const srt = await openai.audio.transcriptions.create({ model, file, response_format: "srt" });
    expect(srt).toMatch(/^1\n00:00:00,\d{3} --> 00:00:\d\d,\d{3}\n/);
  });
}

for (const model of pinnedModels("text-to-speech")) {
  test(`speech by ${model}`, async () => {
    const asked = { model, input: "Hello there", voice: isEmbedded(model) ? "slt" : "af_alloy" };
    const { data, response } = await openai.audio.speech.create(asked).withResponse();
    const bytes = new Uint8Array(await data.arrayBuffer());
    expect(typeOfMedia(bytes, undefined)).toStartWith("audio/");
    expect(response.headers.get("content-type")).toStartWith("audio/");
    await expectCharged(response, providerOf(model));
  });
}

for (const model of pinnedModels("text-generation")) {
  test(`a completion by ${model}`, async () => {
    const asked = { model, prompt: "Paris is", max_tokens: 8 };
    const { data, response } = await openai.completions.create(asked).withResponse();
    expect(data.object).toBe("text_completion");
    expect(data.choices[0]?.text.length).toBeGreaterThan(0);
    expect(data.usage).toMatchObject({ completion_tokens: expect.any(Number) });
    await expectCharged(response, providerOf(model));
  });
}

for (const model of pinnedModels("text-ranking")) {
  test(`a ranking by ${model}, for which the client has no name`, async () => {
    const body = { model, query: "a fox", documents: ["a dog", "a fox"], top_n: 1 };
    const { data, response } = await openai.post<Ranking>("/rerank", { body }).withResponse();
    expect(data.results).toEqual([
      { index: expect.any(Number), relevance_score: expect.any(Number) },
    ]);
    await expectCharged(response, providerOf(model));
  });
}

type Ranking = { readonly results: readonly unknown[] };

test("the documents say of these doors what they did", () => {
  expect(doneOf(asked)).toEqual(DONE.openai);
});

/** The client's promises are answers to others until they are awaited. */
async function refusalOf(asked: PromiseLike<unknown>): Promise<unknown> {
  try {
    return await asked;
  } catch (thrown) {
    return thrown;
  }
}

test("what cannot be honoured is refused by its name", async () => {
  const [model = ""] = pinnedModels("text-to-image");
  const size = "big" as "256x256";
  expect(await refusalOf(openai.images.generate({ model, prompt: "a fox", size }))).toMatchObject({
    ...{ status: 400, code: "bad_request", param: "size" },
  });
  const [embedder = ""] = pinnedModels("feature-extraction");
  const tokens = openai.embeddings.create({ model: embedder, input: [1, 2] });
  expect(await refusalOf(tokens)).toMatchObject({ status: 400, param: "input" });
  const unpooled = { model: "facebook/bart-base", input: "a fox" };
  expect(await refusalOf(openai.embeddings.create(unpooled))).toMatchObject({
    status: 502,
    message: expect.stringContaining("not one vector of numbers for each input"),
  });
});
