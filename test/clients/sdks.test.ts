/**
 * The providers' own packages from npm, unmodified, each at its provider's place behind a running Turnpike, with one of
 * our tokens in place of the provider's key.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createFalClient, type FalClient } from "@fal-ai/client";
import { CohereClientV2 } from "cohere-ai";
import Groq from "groq-sdk";
import OpenAI from "openai";
import Replicate from "replicate";
import Together from "together-ai";
import { providers as simulated } from "../../sim/providers/index.js";
import type { RequestRow } from "../../src/store/books/usage.js";
import { typeOfMedia } from "../../src/tasks/media-type.js";
import { PICTURE_URI, RECORDING, RECORDING_URI } from "../sim/media-support.js";
import { AT_REST } from "../support/app.js";
import { type Front, startFront, user } from "./support.js";
import { DONE, doneOf } from "./tasks/done.js";

let front: Front;
let place: (path: string) => string;

beforeAll(async () => {
  front = await startFront();
  place = (path) => `${front.server.origin}${path}`;
});
afterEach(async () => {
  expect(await front.app.state(front.ada)).toEqual(AT_REST);
  front.sim.reset();
});
afterAll(() => front.stop());

const soundFile = () => new File([RECORDING], "sound.wav", { type: "audio/wav" });

async function newest(): Promise<readonly RequestRow[]> {
  await front.app.drain();
  return front.app.site.usage.newestRequests(front.ada.user.id, 1_000);
}

/** All that was served here. */
const served: { readonly servedBy: string; readonly task: string }[] = [];

/** What became of a call, and what the books have since it was made. */
async function watched<Out>(call: () => PromiseLike<Out>) {
  const known = new Set((await newest()).map(({ id }) => id));
  const out = await call();
  const rows = (await newest()).filter(({ id }) => !known.has(id));
  return { out, rows };
}

/**
 * Makes a call that one request is booked for: served by the provider, at the price that the provider's own record of it
 * has.
 */
async function charged<Out>(provider: string, call: () => PromiseLike<Out>): Promise<Out> {
  const { out, rows } = await watched(call);
  expect(rows).toEqual([expect.objectContaining({ provider, outcome: "served" })]);
  const [row] = rows;
  const record = front.sim.log().find((one) => one.clientRequestId === row?.id);
  expect(record?.provider).toBe(provider);
  expect(row?.cost).toBe(BigInt(record?.costNanoUsd ?? -1) as RequestRow["cost"]);
  expect(row?.cost).toBeGreaterThan(0n);
  served.push({ servedBy: provider, task: record?.task ?? "" });
  return out;
}

/** Makes a call that fails and costs nothing. */
async function refused(call: () => PromiseLike<unknown>): Promise<unknown> {
  const { out, rows } = await watched(() =>
    call().then(
      () => "it worked",
      (thrown) => thrown,
    ),
  );
  expect(rows.filter(({ cost }) => cost > 0n)).toEqual([]);
  return out;
}

const isImage = (bytes: Uint8Array) => expect(typeOfMedia(bytes, undefined)).toStartWith("image/");
const isSound = (bytes: Uint8Array) => expect(typeOfMedia(bytes, undefined)).toStartWith("audio/");
const bytesAt = async (url = "") => (await fetch(url)).bytes();

/** What any model of a task may need. */
const INPUTS: Readonly<Record<string, object>> = {
  "text-to-image": { prompt: "a fox" },
  "image-to-image": { prompt: "at night", image_url: PICTURE_URI, input_image: PICTURE_URI },
  "image-text-to-image": { prompt: "at night", image_urls: [PICTURE_URI] },
  "text-to-video": { prompt: "a fox runs" },
  "image-to-video": { prompt: "it runs", image_url: PICTURE_URI },
  "image-text-to-video": { prompt: "it runs", image_url: PICTURE_URI },
  "image-segmentation": { image_url: PICTURE_URI },
  "automatic-speech-recognition": { audio_url: RECORDING_URI, audio: RECORDING_URI },
  "text-to-speech": { prompt: "Hello there", text: "Hello there" },
  "text-to-audio": { prompt: "rain" },
  "audio-to-audio": { source_audio_url: RECORDING_URI, audio_url: RECORDING_URI },
};

/** The first of a provider's models of each task, by its own name for it. */
function modelsOf(provider: string): readonly { readonly task: string; readonly id: string }[] {
  const { tasks = [] } = simulated.find(({ id }) => id === provider) ?? {};
  return [...Map.groupBy(tasks, ({ task }) => task).values()].flatMap(([first]) => first ?? []);
}

describe("replicate", () => {
  const MODEL = "black-forest-labs/flux-schnell";
  // It makes files of links that begin with https only.
  const client = () =>
    new Replicate({
      auth: front.ada.token,
      baseUrl: place("/replicate/v1"),
      useFileOutput: false,
    });

  for (const { task, id } of modelsOf("replicate")) {
    test(`runs a model for ${task}`, async () => {
      const run = () => client().run(id as typeof MODEL, { input: INPUTS[task] ?? {} });
      expect(await charged("replicate", run)).toBeTruthy();
    });
  }

  test("runs a model and waits", async () => {
    const run = () => client().run(MODEL, { input: { prompt: "a fox", num_outputs: 2 } });
    const urls = (await charged("replicate", run)) as unknown as string[];
    expect(urls).toHaveLength(2);
    isImage(await bytesAt(urls[0]));
  });

  test("begins a prediction and asks until it is there", async () => {
    front.sim.setDials("replicate", { job_polls: 2, wait_ms_max: 0 });
    const done = await charged("replicate", async () => {
      const made = await client().predictions.create({ model: MODEL, input: { prompt: "a fox" } });
      expect(made.status).toBe("starting");
      return client().wait(made, { interval: 5 });
    });
    expect(done.status).toBe("succeeded");
    isImage(await bytesAt(done.output[0]));
  });

  test("a prediction that is cancelled costs nothing", async () => {
    front.sim.setDials("replicate", { job_stall: true });
    const { out, rows } = await watched(async () => {
      const made = await client().predictions.create({ model: MODEL, input: { prompt: "a fox" } });
      return client().predictions.cancel(made.id);
    });
    expect(out.status).toBe("canceled");
    expect(rows).toEqual([expect.objectContaining({ provider: "replicate", cost: 0n })]);
  });

  test("is told which member is wrong", async () => {
    const thrown = await refused(() => client().run(MODEL, { input: {} }));
    expect(String(thrown)).toContain("prompt is required");
  });
});

describe("@fal-ai/client", () => {
  const fal = (): FalClient =>
    createFalClient({
      credentials: front.ada.token,
      proxyUrl: { url: place("/fal-ai"), when: "always" },
    });
  const input = { prompt: "a fox", image_size: "square" as const };

  for (const { task, id } of modelsOf("fal-ai")) {
    test(`waits for an app for ${task}`, async () => {
      const asked = { input: INPUTS[task] ?? {}, pollInterval: 5 } as Parameters<
        FalClient["subscribe"]
      >[1];
      const { data } = await charged("fal-ai", () => fal().subscribe(id, asked));
      expect(data).toBeTruthy();
    });
  }

  test("runs an app at once", async () => {
    const { data } = await charged("fal-ai", () => fal().run("fal-ai/flux/dev", { input }));
    expect(data.images[0]).toMatchObject({ width: 512, height: 512 });
    isImage(await bytesAt(data.images[0]?.url));
  });

  test("waits in the queue and hears of every state", async () => {
    front.sim.setDials("fal-ai", { job_polls: 2 });
    const seen = new Set<string>();
    const onQueueUpdate = ({ status }: { status: string }) => void seen.add(status);
    const { data } = await charged("fal-ai", () =>
      fal().subscribe("fal-ai/flux/dev", { input, pollInterval: 5, onQueueUpdate }),
    );
    expect(seen).toEqual(new Set(["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]));
    isImage(await bytesAt(data.images[0]?.url));
  });

  test("hears of every state as it comes, and is charged once", async () => {
    front.sim.setDials("fal-ai", { job_polls: 2 });
    const seen = new Set<string>();
    const onQueueUpdate = ({ status }: { status: string }) => void seen.add(status);
    const { data } = await charged("fal-ai", () =>
      fal().subscribe("fal-ai/flux/dev", { input, mode: "streaming", onQueueUpdate }),
    );
    expect(seen).toEqual(new Set(["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]));
    isImage(await bytesAt(data.images[0]?.url));
  });

  test("submits, asks, and fetches the result twice for the price of one", async () => {
    const APP = "fal-ai/flux/dev";
    const { queue } = fal();
    const { data } = await charged("fal-ai", async () => {
      const { request_id: requestId } = await queue.submit(APP, { input });
      expect((await queue.status(APP, { requestId })).status).toBe("COMPLETED");
      await queue.result(APP, { requestId });
      return queue.result(APP, { requestId });
    });
    expect(data.images).toHaveLength(1);
  });

  test("hears, by way of the queue", async () => {
    const asked = { input: { audio_url: RECORDING_URI }, pollInterval: 5 };
    const { data } = await charged("fal-ai", () => fal().subscribe("fal-ai/whisper", asked));
    expect(data.text.length).toBeGreaterThan(0);
  });

  test("may ask for its own jobs only", async () => {
    const { queue } = fal();
    const thrown = await refused(() => queue.result("fal-ai/flux/dev", { requestId: "none" }));
    expect(thrown).toMatchObject({ status: 404 });
  });

  test("is told of bad input by member", async () => {
    const thrown = await refused(() =>
      fal().run("fal-ai/flux/dev", { input: {} as { prompt: string } }),
    );
    expect(thrown).toMatchObject({ status: 422, fieldErrors: [{ loc: ["body", "prompt"] }] });
  });
});

describe("cohere-ai", () => {
  const client = () =>
    new CohereClientV2({
      token: front.ada.token,
      environment: place("/cohere"),
      maxRetries: 0,
    });

  test("embeds", async () => {
    const { embeddings } = await charged("cohere", () =>
      client().embed({
        model: "embed-v4.0",
        texts: ["a fox", "a dog"],
        inputType: "search_document",
        embeddingTypes: ["float"],
      }),
    );
    expect(embeddings.float).toHaveLength(2);
  });

  test("ranks", async () => {
    const asked = { model: "rerank-v3.5", query: "fox", documents: ["a dog", "a fox"], topN: 1 };
    const { results } = await charged("cohere", () => client().rerank(asked));
    expect(results).toHaveLength(1);
  });

  test("chats on its own route", async () => {
    const messages = user("Hello [[tokens=6]]");
    const { message, usage } = await charged("cohere", () =>
      client().chat({ model: "command-a-03-2025", messages }),
    );
    expect(message.content?.[0]).toMatchObject({ type: "text" });
    expect(usage?.billedUnits?.outputTokens).toBe(6);
  });

  test("streams on its own route, to the event that says what was used", async () => {
    const asked = { model: "command-a-03-2025", messages: user("Hello [[tokens=6]]") };
    const events = await charged("cohere", async () =>
      Array.fromAsync(await client().chatStream(asked)),
    );
    expect(events[0]).toMatchObject({ type: "message-start" });
    const deltas = events.filter(({ type }) => type === "content-delta");
    expect(deltas.length).toBeGreaterThan(1);
    expect(events.at(-1)).toMatchObject({
      type: "message-end",
      delta: { finishReason: "COMPLETE", usage: { billedUnits: { outputTokens: 6 } } },
    });
  });

  test("is told what it asked for wrongly in Cohere's own words", async () => {
    const asked = { model: "command-a-03-2025", messages: [], temperature: 3 };
    expect(await refused(() => client().chat(asked))).toMatchObject({ statusCode: 400 });
    const unknown = { model: "nobody", messages: user("Hello") };
    expect(await refused(() => client().chatStream(unknown))).toMatchObject({ statusCode: 400 });
  });

  test("chats by the compatibility route", async () => {
    const openai = new OpenAI({
      apiKey: front.ada.token,
      baseURL: place("/cohere/compatibility/v1"),
      maxRetries: 0,
    });
    const { choices } = await charged("cohere", () =>
      openai.chat.completions.create({ model: "command-a-03-2025", messages: user("Hello") }),
    );
    expect(choices[0]?.message.content?.length).toBeGreaterThan(0);
  });

  test("is told that a model is not there", async () => {
    const asked = { model: "nobody", query: "fox", documents: ["a dog"] };
    expect(await refused(() => client().rerank(asked))).toMatchObject({ statusCode: 400 });
  });
});

/** Of what OpenAI's own client and those made after it have in common. */
type ChatClient = {
  readonly chat: { readonly completions: Pick<OpenAI.Chat.Completions, "create"> };
};

/** Chat, plain and as a stream. */
async function expectChat(provider: string, client: ChatClient, model: string): Promise<void> {
  const messages = user("Hello [[tokens=6]]");
  const plain = await charged(provider, () => client.chat.completions.create({ model, messages }));
  expect(plain.usage?.completion_tokens).toBe(6);
  let text = "";
  await charged(provider, async () => {
    const stream = await client.chat.completions.create({ model, messages, stream: true });
    for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  });
  expect(text).toBe(plain.choices[0]?.message?.content ?? "-");
}

describe("together-ai", () => {
  const client = (version = "v1") =>
    new Together({
      apiKey: front.ada.token,
      baseURL: place(`/together/${version}`),
      maxRetries: 0,
    });

  test("chats, plain and as a stream", () =>
    expectChat(
      "together",
      client() as unknown as ChatClient,
      "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    ));

  test("embeds", async () => {
    const asked = { model: "BAAI/bge-base-en-v1.5", input: ["a fox", "a dog"] };
    const { data } = await charged("together", () => client().embeddings.create(asked));
    expect(data).toHaveLength(2);
  });

  test("ranks", async () => {
    const asked = {
      model: "Salesforce/Llama-Rank-V1",
      query: "fox",
      documents: ["a dog", "a fox"],
    };
    const { results } = await charged("together", () => client().rerank.create(asked));
    expect(results).toHaveLength(2);
  });

  test("makes pictures", async () => {
    const { data } = await charged("together", () =>
      client().images.generate({
        model: "black-forest-labs/FLUX.1-schnell",
        prompt: "a fox",
        width: 512,
        height: 256,
        response_format: "base64",
      }),
    );
    const [first] = data;
    isImage(Buffer.from(first?.type === "b64_json" ? first.b64_json : "", "base64"));
  });

  test("makes pictures of pictures", async () => {
    const { data } = await charged("together", () =>
      client().images.generate({
        model: "black-forest-labs/FLUX.1-kontext-dev",
        prompt: "at night",
        image_url: PICTURE_URI,
      }),
    );
    expect(data).toHaveLength(1);
  });

  test("makes films, charged as the provider says", async () => {
    front.sim.setDials("together", { job_polls: 1 });
    // Films are of another version, which the package knows only for its own base URL.
    const { videos } = client("v2");
    const done = await charged("together", async () => {
      const { id } = await videos.create({ model: "minimax/hailuo-02", prompt: "a fox" });
      await videos.retrieve(id);
      return videos.retrieve(id);
    });
    expect(done.status).toBe("completed");
  });

  test("speaks and hears", async () => {
    const spoken = await charged("together", async () => {
      const answer = await client().audio.speech.create({
        model: "hexgrad/Kokoro-82M",
        input: "Hello there",
        voice: "af_alloy",
        response_format: "mp3",
      });
      return answer.bytes();
    });
    isSound(spoken);
    const heard = await charged("together", () =>
      client().audio.transcriptions.create({
        model: "openai/whisper-large-v3",
        file: soundFile(),
      }),
    );
    expect(heard.text.length).toBeGreaterThan(0);
  });

  test("completes as a stream", async () => {
    const asked = { model: "mistralai/Mixtral-8x7B-v0.1", prompt: "Paris is", max_tokens: 7 };
    const plain = await charged("together", () => client().completions.create(asked));
    let text = "";
    await charged("together", async () => {
      const stream = await client().completions.create({ ...asked, stream: true });
      for await (const chunk of stream) text += chunk.choices[0]?.text ?? "";
    });
    expect(text).toBe(plain.choices[0]?.text ?? "-");
  });
});

test("groq-sdk chats, plain and as a stream", () => {
  const client = new Groq({ apiKey: front.ada.token, baseURL: place("/groq"), maxRetries: 0 });
  return expectChat("groq", client as unknown as ChatClient, "llama-3.1-8b-instant");
});

for (const [provider, base, models] of [
  [
    "openai",
    "/openai/v1",
    {
      chat: "gpt-4o-mini",
      embed: "text-embedding-3-small",
      image: "gpt-image-1",
      speech: "tts-1",
      hear: "whisper-1",
    },
  ],
  [
    "deepinfra",
    "/deepinfra/v1/openai",
    {
      chat: "meta-llama/Meta-Llama-3.1-8B-Instruct",
      embed: "BAAI/bge-m3",
      image: "black-forest-labs/FLUX-1-schnell",
      speech: "hexgrad/Kokoro-82M",
      hear: "openai/whisper-large-v3",
    },
  ],
] as const) {
  describe(`openai at ${base}`, () => {
    const client = () =>
      new OpenAI({ apiKey: front.ada.token, baseURL: place(base), maxRetries: 0 });

    test("chats, plain and as a stream", () => expectChat(provider, client(), models.chat));

    test("embeds", async () => {
      const asked = { model: models.embed, input: ["a fox", "a dog"] };
      const { data } = await charged(provider, () => client().embeddings.create(asked));
      expect(data).toHaveLength(2);
    });

    const { image: model } = models;
    test("makes pictures", async () => {
      const asked = { model, prompt: "a fox", size: "1024x1024" } as const;
      const { data } = await charged(provider, () => client().images.generate(asked));
      isImage(Buffer.from(data?.[0]?.b64_json ?? "", "base64"));
    });

    test("speaks and hears", async () => {
      const asked = { model: models.speech, input: "Hello there", voice: "alloy" };
      const spoken = await charged(provider, async () =>
        (await client().audio.speech.create(asked)).bytes(),
      );
      isSound(spoken);
      const heard = await charged(provider, () =>
        client().audio.transcriptions.create({ model: models.hear, file: soundFile() }),
      );
      expect(heard.text.length).toBeGreaterThan(0);
    });
  });
}

test("the documents say of these packages what they did", () => {
  expect(doneOf(served)).toEqual(DONE.own);
});
