import { afterEach, expect, test } from "bun:test";
import { call, testApp } from "../support/app.js";
import { manualClock } from "../support/clock.js";
import { booksWorld } from "./books-world.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const ESTIMATE = "/api/turnpike/estimate";

const offer = (provider: string, price: object | undefined, more = {}) => ({
  provider,
  provider_model: "theirs",
  ...(price && { price }),
  ...more,
});

const own = { type: "openai-compatible", base_url: "http://127.0.0.1:9", api_key: "secret" };

/** Models of many tasks; nothing is sent to anyone. */
async function start() {
  const app = await testApp({
    clock: manualClock().clock,
    yaml: JSON.stringify({
      allow_literal_keys: true,
      providers: { cheap: own, dear: own, keyless: { ...own, api_key: undefined } },
      models: [
        {
          id: "org/chat",
          task: "conversational",
          providers: [
            offer("dear", { input: "2", output: "4" }),
            offer("cheap", { input: "1", output: "1" }),
            offer("keyless", undefined, { is_free: true }),
          ],
        },
        {
          id: "org/image",
          task: "text-to-image",
          providers: [
            offer("dear", { image: "0.025" }),
            offer("cheap", { megapixel: "0.01" }),
            offer("keyless", undefined),
          ],
        },
        {
          id: "org/hearing",
          task: "automatic-speech-recognition",
          providers: [offer("dear", { audio_minute: "0.006" })],
        },
        {
          id: "org/seconds",
          task: "text-to-speech",
          providers: [offer("dear", { compute_second: "0.00012" })],
        },
        { id: "org/words", task: "feature-extraction", providers: [offer("dear", { input: "1" })] },
        {
          id: "org/film",
          task: "text-to-video",
          providers: [offer("dear", { video_second: "0.02" })],
        },
        {
          id: "org/rank",
          task: "text-ranking",
          providers: [
            offer("dear", { input: "1" }),
            offer("cheap", { million_characters: "0.01" }),
          ],
        },
      ],
    }),
  });
  cleanUps.push(app.stop);
  const ada = await app.addUser("ada");
  const post = (body: unknown) => app.answer(call("POST", ESTIMATE, ada.token, body));
  const rows = async (body: unknown) => (await (await post(body)).json()).providers;
  return { app, ada, post, rows };
}

test("a model's name is enough to learn how many calls ten cents and two dollars buy", async () => {
  const { rows, post } = await start();
  expect(await rows({ model: "org/chat" })).toMatchObject([
    {
      provider: "keyless",
      basis: "free",
      is_free: true,
      expected_cost_nano_usd: "0",
      calls: { "0.10": null, "2.00": null },
      ready: true,
    },
    {
      provider: "cheap",
      ready: true,
      basis: "assumptions",
      assumes: { input_tokens: "500", output_tokens: "500" },
      expected_cost_nano_usd: "1000000",
      p50_cost_nano_usd: null,
      p95_cost_nano_usd: null,
      history_calls: 0,
      calls: { "0.10": "100", "2.00": "2000" },
      calls_left: "100",
    },
    { provider: "dear", expected_cost_nano_usd: "3000000", calls: { "0.10": "33", "2.00": "666" } },
  ]);
  expect(await (await post({ model: "org/chat:dear" })).json()).toMatchObject({
    model: "org/chat",
    task: "conversational",
    balance_nano_usd: "100000000",
    providers: [{ provider: "dear" }],
  });
});

test("every task is estimated by what its price charges, and says what it assumed", async () => {
  const { rows } = await start();
  expect(await rows({ model: "org/image", route: "/v1/images/generations" })).toMatchObject([
    {
      provider: "cheap",
      assumes: { megapixels: "1.048576" },
      expected_cost_nano_usd: "10485760",
      calls: { "0.10": "9", "2.00": "190" },
    },
    {
      provider: "dear",
      assumes: { images: "1" },
      expected_cost_nano_usd: "25000000",
      calls: { "0.10": "4", "2.00": "80" },
    },
    {
      provider: "keyless",
      ready: false,
      why_not: "has no price",
      expected_cost_nano_usd: null,
      calls: null,
    },
  ]);
  expect(await rows({ route: "/models/org/hearing" })).toMatchObject([
    { assumes: { audio_seconds: "60" }, expected_cost_nano_usd: "6000000" },
  ]);
  expect(await rows({ model: "org/seconds", task: "text-to-speech" })).toMatchObject([
    {
      assumes: { compute_seconds: "10" },
      expected_cost_nano_usd: "1200000",
      calls: { "0.10": "83" },
    },
  ]);
  expect(await rows({ model: "org/words" })).toMatchObject([
    { assumes: { input_tokens: "500", output_tokens: "0" }, expected_cost_nano_usd: "500000" },
  ]);
  expect(await rows({ model: "org/rank:dear" })).toMatchObject([
    { assumes: { input_tokens: "2000" }, calls: { "0.10": "50", "2.00": "1000" } },
  ]);
});

test("what the body says of a call counts instead of what would be assumed", async () => {
  const { rows } = await start();
  const first = async (body: object) => (await rows(body))[0];
  expect(await first({ model: "org/image", n: 4, size: "512x512" })).toMatchObject({
    assumes: { megapixels: "1.048576" },
  });
  expect(await first({ model: "org/image:dear", n: 4 })).toMatchObject({
    expected_cost_nano_usd: "100000000",
  });
  expect(
    await first({ model: "org/image", inputs: "a cat", parameters: { width: 2048, height: 1024 } }),
  ).toMatchObject({ assumes: { megapixels: "2.097152" } });
  expect(await first({ model: "org/hearing", assume: { audio_seconds: "90.5" } })).toMatchObject({
    assumes: { audio_seconds: "90.5" },
    expected_cost_nano_usd: "9050000",
  });
  expect(await first({ model: "org/words", input: ["hello", "world"] })).toMatchObject({
    assumes: { input_tokens: "3" },
  });
  for (const [parameters, seconds] of [
    [{ num_frames: 48 }, "2"],
    [{ num_frames: 30, fps: 12 }, "2.5"],
    [{ duration: 8 }, "8"],
    [{ seed: 1 }, "5"],
  ] as const) {
    expect(await first({ route: "/models/org/film", inputs: "a cat", parameters })).toMatchObject({
      assumes: { video_seconds: seconds },
    });
  }
  const passages = { query: "hello", documents: ["world", { text: "world" }] };
  expect(await first({ ...passages, model: "org/rank:dear", route: "/v1/rerank" })).toMatchObject({
    assumes: { input_tokens: "5" },
  });
  expect(await first({ ...passages, model: "org/rank:cheap" })).toMatchObject({
    assumes: { characters: "17" },
  });
  expect(
    await first({ model: "org/chat:cheap", assume: { input_tokens: 1_000, output_tokens: "0" } }),
  ).toMatchObject({ expected_cost_nano_usd: "1000000", basis: "assumptions" });
});

test("once enough calls were made here, what they cost stands in for what is assumed", async () => {
  const world = await booksWorld(cleanUps);
  const ask = async (body: object) => {
    const answer = await world.app.answer(call("POST", ESTIMATE, world.ada.token, body));
    return (await answer.json()).providers[0];
  };
  for (let i = 0; i < 19; i++) await world.ask();
  await world.app.drain();
  expect(await ask({ model: "org/model" })).toMatchObject({
    basis: "assumptions",
    history_calls: 0,
    p50_cost_nano_usd: null,
  });
  await world.ask();
  await world.app.drain();
  const known = await ask({ model: "org/model" });
  expect(known).toMatchObject({ basis: "history", history_calls: 20 });
  // 20,000 nano-dollars, to five percent.
  expect(Number(known.p50_cost_nano_usd) / 20_000).toBeCloseTo(1, 1);
  expect(known.expected_cost_nano_usd).toBe(known.p50_cost_nano_usd);
  expect(Number(known.calls["0.10"]) / 5_000).toBeCloseTo(1, 1);
  const said = await ask({ model: "org/model", assume: { input_tokens: 1, output_tokens: 1 } });
  expect(said).toMatchObject({ basis: "assumptions", expected_cost_nano_usd: "3000" });
  const body = { model: "org/model", messages: [{ role: "user", content: "hi" }], max_tokens: 5 };
  expect(await ask(body)).toMatchObject({
    history_calls: 20,
    p95_cost_nano_usd: known.p95_cost_nano_usd,
    calls: expect.objectContaining({ "2.00": expect.any(String) }),
    hold_nano_usd: expect.any(String),
  });
});

test("an estimate of nothing that there is is refused, and the mistake is named", async () => {
  const { post } = await start();
  const table: readonly (readonly [body: unknown, status: number, says: string])[] = [
    [{}, 400, '"model" must be'],
    ["", 400, "JSON"],
    ["[1]", 400, "JSON object"],
    [{ model: "org/none" }, 404, "There is no model"],
    [{ model: "org/chat:nobody" }, 404, "does not serve"],
    [{ model: "org/chat", route: "/v1/embeddings" }, 400, "is for conversational"],
    [{ model: "org/chat", route: "/v1/dreams" }, 400, '"route" must be one of'],
    [{ model: "org/chat", route: 7 }, 400, '"route" must be one of'],
    [{ model: "org/chat", task: "text-to-image" }, 400, "is for conversational"],
    [{ model: "org/chat", task: "dreaming" }, 400, "task"],
    [{ model: "org/image", n: -1 }, 400, '"n"'],
    [{ model: "org/image", n: 1e12 }, 400, '"n"'],
    [{ model: "org/image", size: "big" }, 400, '"size"'],
    [{ model: "org/image", parameters: { width: 0.5 } }, 400, "parameters.width"],
    [{ model: "org/chat", assume: { sheep: 3 } }, 400, "sheep"],
    [{ model: "org/chat", assume: { input_tokens: 1.5 } }, 400, "input_tokens"],
    [{ model: "org/chat", assume: { input_tokens: "1e30" } }, 400, "input_tokens"],
    [{ model: "org/hearing", assume: { audio_seconds: -1 } }, 400, "audio_seconds"],
    [{ model: "org/chat", messages: [], route: "/v1/embeddings" }, 400, '"route" must be'],
    [{ model: "org/chat", messages: "hi" }, 400, "messages"],
  ];
  for (const [body, status, says] of table) {
    const answer = await post(body);
    const { error } = await answer.json();
    expect({ body, status: answer.status }).toEqual({ body, status });
    expect(error.message).toContain(says);
  }
});
