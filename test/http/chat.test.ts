import { afterEach, expect, test } from "bun:test";
import { call, chat, type TestApp, tempFolder, testApp } from "../support/app.js";
import {
  chunk,
  DONE,
  type FakeProvider,
  fakeProvider,
  plainAnswer,
  streamed,
  usageChunk,
  yamlFor,
} from "../support/provider.js";

let app: TestApp;
let provider: FakeProvider;

afterEach(async () => {
  await app.stop();
  await provider.stop();
});

const ask = { model: "org/model", messages: [{ role: "user", content: "hi" }], max_tokens: 50 };

test("a plain answer carries its exact cost, and the books agree", async () => {
  provider = fakeProvider(() => plainAnswer({ prompt: 1000, completion: 500 }));
  app = await testApp({ yaml: yamlFor({ local: provider.origin }) });
  const ada = await app.addUser("ada");
  const response = await app.answer(chat(ada.token, ask));
  expect(response.status).toBe(200);
  expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe("2000000");
  expect(response.headers.get("x-inference-provider")).toBe("local");
  expect(response.headers.get("x-turnpike-route")).toBe("policy=fastest; tried=local:200");
  expect(response.headers.get("x-turnpike-billed-to")).toBe("user:ada");
  const body = await response.json();
  expect(body.usage).toMatchObject({ prompt_tokens: 1000, cost: 0.002, cost_nano_usd: "2000000" });
  expect(await app.left(ada)).toBe(100_000_000n - 2_000_000n);
  expect(await app.site.ledger.audit()).toMatchObject({ balanced: true });
});

test("only the model changes on the way to the provider", async () => {
  provider = fakeProvider(() => plainAnswer());
  app = await testApp({ yaml: yamlFor({ local: provider.origin }) });
  const ada = await app.addUser("ada");
  const text =
    '{"messages":[{"role":"user","content":"h\\u0069"}],  "seed":12345678901234567890,"model":"org/model:local"}';
  await app.answer(chat(ada.token, text));
  expect(provider.received[0]?.body).toBe(text.replace("org/model:local", "upstream-model"));
  expect(provider.received[0]?.headers.authorization).toBe("Bearer key-of-local");
});

test("a stream passes on as it is, its usage asked for by us and hidden from a caller who did not ask", async () => {
  const events = [chunk("Hel"), chunk("lo", "stop")];
  provider = fakeProvider(() => streamed([...events, usageChunk(10, 2), DONE]));
  app = await testApp({ yaml: yamlFor({ local: provider.origin }) });
  const ada = await app.addUser("ada");
  const response = await app.answer(chat(ada.token, { ...ask, stream: true }));
  const text = await response.text();
  expect(JSON.parse(provider.received[0]?.body ?? "").stream_options).toEqual({
    include_usage: true,
  });
  expect(text.startsWith(events.join(""))).toBe(true);
  expect(text).not.toContain('"usage"');
  const comment = /^: turnpike (.*)$/m.exec(text)?.[1] ?? "";
  expect(JSON.parse(comment)).toMatchObject({ cost_nano_usd: "14000", provider: "local" });
  expect(text.endsWith(DONE)).toBe(true);
  expect(await app.left(ada)).toBe(100_000_000n - 14_000n);
});

test("a caller who asked for usage gets it with its cost", async () => {
  provider = fakeProvider(() => streamed([chunk("Hi", "stop"), usageChunk(10, 1), DONE]));
  app = await testApp({ yaml: yamlFor({ local: provider.origin }) });
  const ada = await app.addUser("ada");
  const body = { ...ask, stream: true, stream_options: { include_usage: true } };
  const text = await (await app.answer(chat(ada.token, body))).text();
  expect(text).toContain('"cost":0.000012,"cost_nano_usd":"12000"');
});

test("a request that the balance cannot cover is refused with everything needed to act on it", async () => {
  provider = fakeProvider(() => plainAnswer());
  app = await testApp({
    yaml: yamlFor({ local: provider.origin }, { input: "1000000", output: "1000000" }),
  });
  const ada = await app.addUser("ada");
  const response = await app.answer(chat(ada.token, ask));
  expect(response.status).toBe(402);
  const { error } = await response.json();
  expect(error).toMatchObject({
    code: "insufficient_credit",
    bucket: "credit",
    available_nano_usd: "100000000",
  });
  expect(BigInt(error.needed_nano_usd)).toBeGreaterThan(100_000_000n);
  expect(error.resets_at).toMatch(/^\d{4}-\d\d-01T00:00:00\.000Z$/);
  expect(provider.received).toEqual([]);
});

test("what is left is told of all processes together, though another one has leased of it", async () => {
  provider = fakeProvider(() => plainAnswer({ prompt: 1000, completion: 500 }));
  const folder = tempFolder();
  const place = { yaml: yamlFor({ local: provider.origin }), data: folder.path };
  const first = await testApp(place);
  const other = await testApp(place);
  const stop = async (): Promise<void> => {
    await other.stop();
    await first.stop();
    folder.remove();
  };
  app = { ...first, stop };
  const ada = await app.addUser("ada");
  const told = async (at: TestApp): Promise<string | null> => {
    const { headers } = await at.answer(chat(ada.token, ask));
    await at.drain();
    return headers.get("x-turnpike-credits-remaining-nano-usd");
  };
  expect(await told(app)).toBe("98000000");
  expect(await told(other)).toBe("96000000");
});

test("who looks right after an answer finds its cost in balance, usage and requests", async () => {
  provider = fakeProvider(() => plainAnswer({ prompt: 1000, completion: 500 }));
  app = await testApp({ yaml: yamlFor({ local: provider.origin }) });
  const ada = await app.addUser("ada");
  const me = async (path: string) =>
    (await app.answer(call("GET", `/api/turnpike/me/${path}`, ada.token))).json();
  for (let i = 1n; i <= 3n; i++) {
    const { headers } = await app.answer(chat(ada.token, ask));
    expect(await me("credits")).toMatchObject({
      spendable_nano_usd: String(100_000_000n - i * 2_000_000n),
      spent_this_period_nano_usd: String(i * 2_000_000n),
    });
    expect((await me("usage")).total_cost_nano_usd).toBe(String(i * 2_000_000n));
    const { requests } = await me("requests");
    expect(requests[0].inference_id).toBe(headers.get("inference-id"));
  }
});
