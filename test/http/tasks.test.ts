/** Tasks other than chat, by Hugging Face's routes and by OpenAI's, in process, with the simulator as the provider. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type Sim, startSim } from "../../sim/server.js";
import { AT_REST, call, type TestApp, type TestUser, testApp } from "../support/app.js";

let sim: Sim;
let app: TestApp;
let ada: TestUser;

const offer = (provider: string, model: string, price: string): string =>
  `{ provider: ${provider}, provider_model: "${model}", price: { ${price} } }`;

const model = (id: string, task: string, ...offers: readonly string[]): string =>
  `  - { id: ${id}, task: ${task}, providers: [${offers.join(", ")}] }\n`;

const yaml = (): string => `
allow_literal_keys: true
embedded: { enabled: false }
providers:
${["together", "fal-ai", "replicate", "hf-inference", "deepinfra", "wavespeed"]
  .map((id) => `  ${id}: { base_url: "${sim.url(id)}", api_key: sim-key }`)
  .join("\n")}
models:
${model("org/embed", "feature-extraction", offer("deepinfra", "BAAI/bge-m3", 'input: "0.01"'))}
${model(
  "org/flux",
  "text-to-image",
  offer("together", "black-forest-labs/FLUX.1-schnell", 'megapixel: "0.0027"'),
  offer("fal-ai", "fal-ai/flux/schnell", 'image: "0.003"'),
)}
${model("org/film", "text-to-video", offer("fal-ai", "fal-ai/ltx-video", 'video_second: "0.02"'))}
${model("org/clip", "text-to-video", offer("wavespeed", "wavespeed-ai/wan-2.2/t2v-480p", 'video_second: "0.02"'))}
${model("org/ears", "automatic-speech-recognition", offer("together", "openai/whisper-large-v3", 'audio_minute: "0.0015"'))}
${model("org/prose", "text-generation", offer("together", "meta-llama/Meta-Llama-3-70B", 'input: "0.9", output: "0.9"'))}
${model("org/paint", "text-to-image", offer("hf-inference", "stabilityai/stable-diffusion-2", 'compute_second: "0.001"'))}
${model("org/tokens", "feature-extraction", offer("hf-inference", "facebook/bart-base", 'compute_second: "0.00012"'))}
${model("org/voice", "text-to-speech", offer("deepinfra", "hexgrad/Kokoro-82M", 'million_characters: "0.62"'))}
${model("org/language", "text-classification", offer("hf-inference", "distilbert/distilbert-base-uncased-finetuned-sst-2-english", 'compute_second: "0.00012"'))}
${model("org/caption", "image-to-text", offer("hf-inference", "Salesforce/blip-image-captioning-base", 'compute_second: "0.00012"'))}
${model("org/scene", "image-text-to-video", offer("fal-ai", "fal-ai/ltx-2/image-to-video", 'video_second: "0.06"'))}
${model("org/mask", "image-segmentation", offer("fal-ai", "fal-ai/birefnet", 'image: "0.001"'))}
plans:
  rich: { monthly_credit: "100" }
limits: { body_bytes_max: 2000000, total_ms: 4000 }
`;

beforeAll(async () => {
  sim = startSim();
  app = await testApp({ yaml: yaml() });
  ada = await app.addUser("ada", "rich");
});
afterEach(async () => {
  expect(await app.state(ada)).toEqual(AT_REST);
  sim.reset();
});
afterAll(async () => {
  await app.stop();
  await sim.stop();
});

const JSON_BODY = { "content-type": "application/json" };

type Headers = Readonly<Record<string, string>>;

const post = (path: string, body: unknown, headers: Headers = JSON_BODY): Promise<Response> =>
  app.answer(call("POST", path, ada.token, body, headers));

const postBytes = (path: string, body: Uint8Array<ArrayBuffer>, type: string): Promise<Response> =>
  app.answer(
    new Request(`http://turnpike.test${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${ada.token}`, "content-type": type },
      body,
    }),
  );

const costOf = (answer: Response): string | null => answer.headers.get("x-turnpike-cost-nano-usd");

/** A second of silence, 8 kHz, 8 bits. */
function silence(seconds: number): Uint8Array<ArrayBuffer> {
  const samples = 8_000 * seconds;
  const wav = Buffer.alloc(44 + samples, 128);
  wav.write("RIFF", 0);
  wav.writeUInt32LE(36 + samples, 4);
  wav.write("WAVEfmt ", 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(8_000, 24);
  wav.writeUInt32LE(8_000, 28);
  wav.writeUInt16LE(1, 32);
  wav.writeUInt16LE(8, 34);
  wav.write("data", 36);
  wav.writeUInt32LE(samples, 40);
  return Uint8Array.from(wav);
}

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

describe("what is charged is what was delivered", () => {
  test("pictures by their own size, whatever was asked for", async () => {
    const asked = { inputs: "a fox", parameters: { width: 512, height: 256 } };
    const answer = await post("/models/org/flux:together", asked);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toStartWith("image/");
    // 131,072 pixels at $0.0027 a million, rounded up once.
    expect(costOf(answer)).toBe(String(Math.ceil(131_072 * 2.7)));
  });

  test("silent films by the length that their container tells", async () => {
    sim.setDials("wavespeed", { media_seconds: 3 });
    const answer = await post("/models/org/clip", { inputs: "a fox runs" });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "video/mp4"]);
    expect(costOf(answer)).toBe("60000000");
  });

  test("films of words alone, by a model that may take a picture too", async () => {
    for (const body of [{ parameters: { prompt: "a fox" } }, { inputs: "a fox" }]) {
      const answer = await post("/models/org/scene", body);
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "video/mp4"]);
      // One unit, by fal's own word.
      expect(costOf(answer)).toBe("60000000");
      await answer.arrayBuffer();
    }
  });

  test("films as the provider counted them, where it says so", async () => {
    sim.setDials("fal-ai", { media_seconds: 3 });
    const answer = await post("/models/org/film", { inputs: "a fox runs" });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "video/mp4"]);
    expect(costOf(answer)).toBe("60000000");
  });

  test("hearing by the length of the sound, however it was sent", async () => {
    const sound = silence(2);
    const raw = await postBytes("/models/org/ears", sound, "audio/wav");
    const base64 = Buffer.from(sound).toString("base64");
    const parameters = { return_timestamps: true };
    const written = await post("/models/org/ears", { inputs: base64, parameters });
    expect([raw.status, written.status]).toEqual([200, 200]);
    expect([costOf(raw), costOf(written)]).toEqual(["50000", "50000"]);
    expect((await raw.json()) as object).toHaveProperty("text");
  });

  test("speech by its characters, of which an emoji is one", async () => {
    const body = { model: "org/voice", input: "héllo 🦊", voice: "af_alloy" };
    const answer = await post("/v1/audio/speech", body);
    expect(answer.status).toBe(200);
    expect(costOf(answer)).toBe(String(7 * 620));
  });

  test("time by the provider's word, with its headers passed on", async () => {
    const answer = await post("/models/org/language", { inputs: "I like it" });
    expect(answer.status).toBe(200);
    const seconds = Number(answer.headers.get("x-compute-time"));
    expect(costOf(answer)).toBe(String(Math.ceil(seconds * 120_000)));
  });

  test("two pictures as two, from a provider that makes them one by one", async () => {
    const body = { model: "org/flux:fal-ai", prompt: "a fox", n: 2, size: "256x256" };
    const answer = await post("/v1/images/generations", body);
    expect(answer.status).toBe(200);
    expect(((await answer.json()) as { data: unknown[] }).data).toHaveLength(2);
    expect(costOf(answer)).toBe("6000000");
  });
});

describe("several results", () => {
  test("cost the time of all of them, where time is charged", async () => {
    const body = { model: "org/paint", prompt: "a fox", n: 2 };
    const answer = await post("/v1/images/generations", body);
    expect(answer.status).toBe(200);
    const { data } = (await answer.json()) as { data: unknown[] };
    expect(data).toHaveLength(2);
    expect(BigInt(costOf(answer) ?? 0)).toBeGreaterThan(0n);
  });
});

describe("providers that fail", () => {
  test("an answer that cannot be told in the caller's form is charged to nobody", async () => {
    const before = await app.left(ada);
    // This model answers numbers for every token, which OpenAI's form has no place for.
    const answer = await post("/v1/embeddings", { model: "org/tokens", input: "a fox" });
    expect(answer.status).toBe(502);
    expect(await app.left(ada)).toBe(before);
  });

  test("another provider has its turn", async () => {
    sim.setDials("together", { fail_rate: 1, fail_status: 500 });
    const answer = await post("/models/org/flux", { inputs: "a fox" });
    expect([answer.status, answer.headers.get("x-inference-provider")]).toEqual([200, "fal-ai"]);
    expect(answer.headers.get("x-turnpike-route")).toContain("together:500");
  });

  test("a job that never ends is given up, and costs nothing", async () => {
    sim.setDials("fal-ai", { job_stall: true });
    const before = await app.left(ada);
    const answer = await post("/models/org/film", { inputs: "a fox" });
    expect(answer.status).toBe(504);
    expect(await app.left(ada)).toBe(before);
  }, 15_000);

  test("a job that fails says why, and costs nothing", async () => {
    sim.setDials("fal-ai", { job_fail_rate: 1 });
    const before = await app.left(ada);
    const answer = await post("/models/org/film", { inputs: "a fox" });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(await app.left(ada)).toBe(before);
  });

  test("a result that points inside is not fetched", async () => {
    for (const url of [
      "http://169.254.169.254/latest/meta-data",
      "http://localhost:1/x",
      "file:///etc/passwd",
      "http://user:pass@127.0.0.1/x",
    ]) {
      sim.setDials("fal-ai", { asset_url: url });
      const answer = await post("/models/org/film", { inputs: "a fox" });
      expect([url, answer.status]).toEqual([url, 502]);
    }
  });

  test("a result that redirects inside is not followed, and one without end not read", async () => {
    for (const asset of ["redirect_inside", "redirect_endless", "too_large"] as const) {
      sim.setDials("fal-ai", { asset });
      const answer = await post("/models/org/film", { inputs: "a fox" });
      expect([asset, answer.status]).toEqual([asset, 502]);
    }
  }, 30_000);
});

describe("what the caller gives", () => {
  const REFUSED: readonly [string, string, unknown, number, string][] = [
    ["no inputs", "/models/org/flux", {}, 400, "inputs"],
    [
      "parameters that are a list",
      "/models/org/flux",
      { inputs: "x", parameters: [] },
      400,
      "param",
    ],
    ["no such model", "/models/org/none", { inputs: "x" }, 404, "There is no model"],
    ["no such provider", "/models/org/flux:nobody", { inputs: "x" }, 404, "nobody"],
    ["a provider without it", "/models/org/flux:deepinfra", { inputs: "x" }, 404, "does not serve"],
    [
      "a task it is not for",
      "/models/org/flux/pipeline/translation",
      { inputs: "x" },
      404,
      "it is for",
    ],
    ["a task there is not", "/models/org/flux/pipeline/magic", { inputs: "x" }, 400, "magic"],
    ["a picture that is none", "/models/org/mask", { inputs: "%%%" }, 400, "inputs"],
    [
      "a URL inside",
      "/models/org/mask",
      { inputs: "http://127.0.0.1:1/a.png" },
      400,
      "not a public",
    ],
    [
      "the cloud's own",
      "/models/org/mask",
      { inputs: "http://169.254.169.254/" },
      400,
      "not a public",
    ],
    [
      "a prompt of nothing",
      "/v1/images/generations",
      { model: "org/flux", prompt: "" },
      400,
      "prompt",
    ],
    [
      "too many pictures",
      "/v1/images/generations",
      { model: "org/flux", prompt: "x", n: 1000 },
      400,
      "n",
    ],
    [
      "a size that is none",
      "/v1/images/generations",
      { model: "org/flux", prompt: "x", size: "big" },
      400,
      "size",
    ],
    [
      "chat's model for pictures",
      "/v1/embeddings",
      { model: "org/flux", input: "x" },
      404,
      "org/flux",
    ],
  ];
  for (const [name, path, body, status, says] of REFUSED) {
    test(`${name} is refused, and nothing is sent`, async () => {
      const sent = sim.log().length;
      const answer = await post(path, body);
      const text = await answer.text();
      expect([answer.status, text]).toEqual([status, expect.stringContaining(says)]);
      expect(sim.log().length).toBe(sent);
    });
  }

  test("a body over the limit is refused", async () => {
    const answer = await postBytes("/models/org/ears", new Uint8Array(2_000_001), "audio/wav");
    expect(answer.status).toBe(413);
  });

  test("hugging faces are told errors as the Hub tells them, and OpenAI's clients as OpenAI does", async () => {
    const hub = await post("/models/org/flux", {});
    expect(typeof ((await hub.json()) as { error: unknown }).error).toBe("string");
    const openai = await post("/v1/embeddings", {});
    expect(((await openai.json()) as { error: object }).error).toHaveProperty("message");
  });

  test("text of an image is an object for one of the two clients, and a list for the other", async () => {
    const body = { inputs: PIXEL };
    const js = { ...JSON_BODY, "user-agent": "@huggingface/inference/4.13.30" };
    const python = { ...JSON_BODY, "user-agent": "unknown/None; hf_hub/1.29.0; python/3.11" };
    expect(await (await post("/models/org/caption", body, js)).json()).not.toBeArray();
    expect(await (await post("/models/org/caption", body, python)).json()).toBeArray();
  });
});

describe("text that is streamed", () => {
  const events = (text: string): Record<string, unknown>[] =>
    [...text.matchAll(/^data: (\{.*)$/gm)].map(([, data = ""]) => JSON.parse(data));

  test("comes as it is made, is charged by the provider's count, and ends with its cost", async () => {
    const before = await app.left(ada);
    const body = { model: "org/prose", prompt: "Once", max_tokens: 12, stream: true };
    const answer = await post("/v1/completions", body);
    expect(answer.headers.get("content-type")).toStartWith("text/event-stream");
    const text = await answer.text();
    expect(events(text).length).toBeGreaterThan(2);
    expect(text).toEndWith("data: [DONE]\n\n");
    const [, closing = "{}"] = /^: turnpike (\{.*\})$/m.exec(text) ?? [];
    const cost = BigInt(JSON.parse(closing).cost_nano_usd);
    expect(cost).toBeGreaterThan(0n);
    expect(await app.left(ada)).toBe(before - cost);
  });

  test("counts its own words where the provider counts none", async () => {
    sim.setDials("together", { stream_usage: "never" });
    const body = { model: "org/prose", prompt: "Once", max_tokens: 12, stream: true };
    const text = await (await post("/v1/completions", body)).text();
    const [, closing = "{}"] = /^: turnpike (\{.*\})$/m.exec(text) ?? [];
    expect(JSON.parse(closing)).toMatchObject({ estimated: true });
    expect(BigInt(JSON.parse(closing).cost_nano_usd)).toBeGreaterThan(0n);
  });

  test("comes on the provider's own wire too", async () => {
    const body = { model: "meta-llama/Meta-Llama-3-70B", prompt: "Once", stream: true };
    const text = await (await post("/together/v1/completions", body)).text();
    expect(text).toContain("data: [DONE]");
  });

  test("is all that is streamed in Hugging Face's form", async () => {
    const answer = await post("/models/org/language", { inputs: "Hello", stream: true });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining("stream")]);
  });
});
