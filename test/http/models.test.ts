import { afterAll, beforeAll, expect, test } from "bun:test";
import { call, chat, type TestApp, testApp } from "../support/app.js";
import {
  chunk,
  DONE,
  type FakeProvider,
  fakeProvider,
  plainAnswer,
  streamed,
  usageChunk,
} from "../support/provider.js";

let app: TestApp;
let provider: FakeProvider;

beforeAll(async () => {
  provider = fakeProvider(({ body }) =>
    body.includes('"stream":true')
      ? streamed([chunk("Hi", "stop"), usageChunk(3, 1), DONE])
      : plainAnswer(),
  );
  const server = { type: "openai-compatible", base_url: provider.origin };
  app = await testApp({
    env: { LOCAL_KEY: "key-nobody-may-see" },
    yaml: JSON.stringify({
      embedded: { enabled: false },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the form of a reference
      providers: { local: { ...server, api_key: "${LOCAL_KEY}" }, bare: server },
      models: [
        {
          id: "org/model",
          task: "conversational",
          providers: [
            {
              provider: "local",
              provider_model: "upstream-model",
              context_length: 131_072,
              supports_tools: true,
              supports_structured_output: false,
              is_model_author: true,
              price: { input: "0.18", output: "0.000000001", cached_input: "0.09" },
            },
            { provider: "bare", provider_model: "m", is_free: true },
            { provider: "together", provider_model: "m", price: { input: "1", output: "1" } },
          ],
        },
        {
          id: "org/out-of-reach",
          task: "conversational",
          providers: [{ provider: "groq", provider_model: "m", price: { input: "1" } }],
        },
      ],
    }),
  });
});

afterAll(async () => {
  await app.stop();
  await provider.stop();
});

const get = async (path: string) => {
  const response = await app.answer(call("GET", path));
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) };
};

test("a model says who serves it, at what price and with what abilities", async () => {
  const { status, text, body } = await get("/v1/models/org/model");
  expect(status).toBe(200);
  expect(body).toMatchObject({
    id: "org/model",
    object: "model",
    owned_by: "org",
    providers: [
      {
        provider: "local",
        status: "live",
        context_length: 131_072,
        pricing: { input: 0.18, output: 1e-9, cached_input: 0.09 },
        supports_tools: true,
        supports_structured_output: false,
        is_model_author: true,
      },
      { provider: "bare", is_free: true, is_model_author: false },
    ],
  });
  expect(body.created).toBeNumber();
  expect(text).not.toContain("key-nobody-may-see");
  expect(text).not.toContain(provider.origin);
});

test("what the embedded provider can do is listed without a word of configuration", async () => {
  const other = await testApp();
  const answer = await other.answer(call("GET", "/v1/models/embedded/flite"));
  expect(await answer.json()).toMatchObject({
    task: "text-to-speech",
    architecture: { input_modalities: ["text"], output_modalities: ["audio"] },
    providers: [{ provider: "embedded", status: "live", pricing: { compute_second: 0.00012 } }],
  });
  await other.stop();
});

test("who has no key is no provider of a model, and a model without one is not listed", async () => {
  const { body } = await get("/v1/models");
  expect(body.object).toBe("list");
  expect(body.data.map(({ id }: { id: string }) => id)).toEqual(["org/model"]);
  expect(body.data[0].providers.map((one: { provider: string }) => one.provider)).toEqual([
    "local",
    "bare",
  ]);
  expect((await get("/v1/models/org/out-of-reach")).body.providers).toEqual([]);
});

test("the list and the single model are the same", async () => {
  const { body } = await get("/v1/models");
  expect((await get("/v1/models/org/model")).body).toEqual(body.data[0]);
  expect((await get("/v1/models/org%2Fmodel")).body).toEqual(body.data[0]);
});

test("speed is told once there was traffic to measure it by", async () => {
  const { token } = await app.addUser("ada");
  const before = (await get("/v1/models/org/model")).body.providers[0];
  expect(before).not.toHaveProperty("throughput");
  const ask = { model: "org/model:local", messages: [{ role: "user", content: "hi" }] };
  await app.answer(chat(token, ask));
  const whole = (await get("/v1/models/org/model")).body.providers[0];
  expect(whole.throughput).toBeGreaterThan(0);
  // What comes whole says nothing of its first token.
  expect(whole).not.toHaveProperty("first_token_latency_ms");
  await (await app.answer(chat(token, { ...ask, stream: true }))).text();
  const after = (await get("/v1/models/org/model")).body.providers[0];
  expect(after.throughput).toBeGreaterThan(0);
  expect(after.first_token_latency_ms).toBeNumber();
});

test("an unknown model is a 404 with what may have been meant", async () => {
  for (const path of ["org/modell", "model", "ORG/Model"]) {
    const { status, body } = await get(`/v1/models/${path}`);
    expect({ path, status }).toEqual({ path, status: 404 });
    expect(body.error).toMatchObject({ code: "model_not_found", param: "model" });
    expect(body.error.did_you_mean).toContain("org/model");
  }
  expect((await get("/v1/models/zzzzzzzzzzzzzzzz")).body.error.did_you_mean).toEqual([]);
});
