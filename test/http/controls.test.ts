/** What a caller may say of providers, and of who pays, in the request itself. */
import { afterEach, expect, test } from "bun:test";
import { chat, type TestApp, testApp } from "../support/app.js";
import { type FakeProvider, fakeProvider, plainAnswer, yamlFor } from "../support/provider.js";

let app: TestApp;
let providers: FakeProvider[] = [];

afterEach(async () => {
  await app.stop();
  for (const provider of providers) await provider.stop();
});

const ask = { model: "org/model", messages: [{ role: "user", content: "hi" }] };

async function start(...replies: (() => Response)[]) {
  providers = replies.map((reply) => fakeProvider(reply));
  const origins = Object.fromEntries(providers.map(({ origin }, i) => [`p${i}`, origin]));
  app = await testApp({ yaml: yamlFor(origins) });
  return app.addUser("ada");
}

const servedBy = async (token: string, provider: object): Promise<string | null> => {
  const response = await app.answer(chat(token, { ...ask, provider }));
  return response.headers.get("x-inference-provider");
};

test("order, only, ignore and sort choose among the providers, and no provider sees them", async () => {
  const { token } = await start(plainAnswer, plainAnswer, plainAnswer);
  expect(await servedBy(token, { order: ["p2", "p1"] })).toBe("p2");
  expect(await servedBy(token, { only: ["p1"] })).toBe("p1");
  expect(await servedBy(token, { ignore: ["p0", "p1"] })).toBe("p2");
  expect(await servedBy(token, { only: ["p1", "p2"], ignore: ["p1"], sort: "price" })).toBe("p2");
  for (const { received } of providers)
    for (const { body } of received) expect(body).not.toContain("provider");
});

test("without fallbacks the first provider's failure is the answer", async () => {
  const { token } = await start(() => new Response("no", { status: 500 }), plainAnswer);
  const body = { ...ask, provider: { order: ["p0"], allow_fallbacks: false } };
  const response = await app.answer(chat(token, body));
  expect(response.status).toBe(502);
  expect(providers[1]?.received).toEqual([]);
});

test("a wish that cannot be granted is refused by name, and nobody is called", async () => {
  const { token } = await start(plainAnswer);
  for (const [provider, param] of [
    [{ data_collection: "deny" }, "provider.data_collection"],
    [{ max_price: { prompt: 1 } }, "provider.max_price"],
    [{ only: "p0" }, "provider.only"],
    [{ sort: "latency" }, "provider.sort"],
    [{ allow_fallbacks: "no" }, "provider.allow_fallbacks"],
  ] as const) {
    const response = await app.answer(chat(token, { ...ask, provider }));
    expect([response.status, (await response.json()).error.param]).toEqual([400, param]);
  }
  const nobody = await app.answer(chat(token, { ...ask, provider: { only: ["elsewhere"] } }));
  expect([nobody.status, (await nobody.json()).error.code]).toEqual([404, "model_not_served"]);
  expect(providers[0]?.received).toEqual([]);
});

test("who is named to pay and cannot is not replaced by the caller", async () => {
  const ada = await start(plainAnswer);
  const refused = await app.answer(chat(ada.token, ask, { "x-hf-bill-to": "acme" }));
  expect([refused.status, (await refused.json()).error.code]).toEqual([403, "not_a_member"]);
  expect(providers[0]?.received).toEqual([]);
  const own = await app.answer(chat(ada.token, ask, { "x-hf-bill-to": "ada" }));
  expect(own.headers.get("x-turnpike-billed-to")).toBe("user:ada");
});

test("a caller's own stream options stay when we ask for usage", async () => {
  const { token } = await start(plainAnswer);
  const body = { ...ask, stream: true, stream_options: { continuous_usage_stats: true } };
  await app.answer(chat(token, body));
  expect(JSON.parse(providers[0]?.received[0]?.body ?? "").stream_options).toEqual({
    continuous_usage_stats: true,
    include_usage: true,
  });
});
