/** What a caller may say of providers, and of who pays, in the request itself. */
import { afterEach, expect, test } from "bun:test";
import { call, chat, type TestApp, testApp } from "../support/app.js";
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

type Said = {
  readonly provider?: object;
  readonly offer?: object;
  readonly reply?: () => Response;
};

/** Providers by name with what is said of each and of its offer; `reply` is what they answer. */
async function startWith(said: Readonly<Record<string, Said>>, task = "conversational") {
  const names = Object.keys(said);
  providers = names.map((name) => fakeProvider(said[name]?.reply ?? (() => plainAnswer())));
  const yaml = {
    allow_literal_keys: true,
    providers: Object.fromEntries(
      names.map((name, i) => [
        name,
        { base_url: providers[i]?.origin, api_key: "key", ...said[name]?.provider },
      ]),
    ),
    models: [
      {
        ...{ id: "org/model", task },
        providers: names.map((provider) => ({
          ...{ provider, provider_model: "m", price: { input: "1", output: "2" } },
          ...said[provider]?.offer,
        })),
      },
    ],
  };
  app = await testApp({ yaml: JSON.stringify(yaml) });
  return app.addUser("ada");
}

const OWN = { type: "openai-compatible" };
const DOWN = () => new Response("no", { status: 500 });

const errorOf = async (response: Response) => {
  const { error } = await response.json();
  return { status: response.status, code: error.code, served_if: error.served_if };
};

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
    [{ quantizations: ["fp8"] }, "provider.quantizations"],
    [{ data_collection: "never" }, "provider.data_collection"],
    [{ max_price: 1 }, "provider.max_price"],
    [{ max_price: { prompt: "1e3" } }, "provider.max_price.prompt"],
    [{ max_price: { prompt: -1 } }, "provider.max_price.prompt"],
    [{ max_price: { image: "0.0000000001" } }, "provider.max_price.image"],
    [{ max_price: { completion: 1.0000000001 } }, "provider.max_price.completion"],
    [{ max_price: { audio: 1 } }, "provider.max_price.audio"],
    [{ only: "p0" }, "provider.only"],
    [{ only: Array(101).fill("p0") }, "provider.only"],
    [{ sort: "speed" }, "provider.sort"],
    [{ allow_fallbacks: "no" }, "provider.allow_fallbacks"],
    [{ require_parameters: "yes" }, "provider.require_parameters"],
  ] as const) {
    const response = await app.answer(chat(token, { ...ask, provider }));
    expect([response.status, (await response.json()).error.param]).toEqual([400, param]);
  }
  const nobody = await app.answer(chat(token, { ...ask, provider: { only: ["elsewhere"] } }));
  expect([nobody.status, (await nobody.json()).error.code]).toEqual([404, "model_not_served"]);
  expect(providers[0]?.received).toEqual([]);
});

test("whoever forbids that prompts are kept is served by those who are known not to, or by nobody", async () => {
  const { token } = await startWith({
    unknown: { provider: OWN },
    keeps: { provider: { ...OWN, retains_prompts: true } },
    forgets: { provider: { ...OWN, retains_prompts: false }, reply: DOWN },
  });
  const deny = { data_collection: "deny" };
  // Not even a failure sends the prompt elsewhere.
  const failed = await app.answer(chat(token, { ...ask, provider: deny }));
  expect(failed.status).toBe(502);
  const nobody = { ...ask, provider: { ...deny, ignore: ["forgets"] } };
  expect(await errorOf(await app.answer(chat(token, nobody)))).toEqual({
    ...{ status: 404, code: "model_not_served" },
    served_if: [
      "unknown: not known to keep no prompts (data_collection)",
      "keeps: keeps prompts (data_collection)",
      'forgets: left out by "provider" in the request',
    ],
  });
  expect(providers.map(({ received }) => received.length)).toEqual([0, 0, 1]);
  const told = await app.answer(call("POST", "/api/turnpike/route", token, ask));
  const { candidates } = await told.json();
  expect(
    Object.fromEntries(
      candidates.map((each: Record<string, unknown>) => [each.provider, each.retains_prompts]),
    ),
  ).toEqual({ unknown: null, keeps: true, forgets: false });
  expect(await servedBy(token, { data_collection: "allow" })).toBe("unknown");
});

test("nobody dearer than the caller's bound is asked, whatever fails", async () => {
  const { token } = await startWith({
    dear: { provider: OWN, offer: { price: { input: "1", output: "2.01" } } },
    cheap: { provider: OWN, offer: { price: { input: "0.0000005", output: "2" } } },
    free: { provider: OWN, offer: { price: {}, is_free: true }, reply: DOWN },
  });
  const within = (max_price: object) => servedBy(token, { max_price, order: ["dear", "free"] });
  expect(await within({ completion: 2.01 })).toBe("dear");
  expect(await within({ completion: "2.0" })).toBe("cheap");
  expect(await within({ prompt: 5e-7 })).toBe("cheap");
  const both = await app.answer(
    chat(token, { ...ask, provider: { max_price: { prompt: 1e-9 }, ignore: ["free"] } }),
  );
  expect((await errorOf(both)).served_if).toEqual([
    "dear: input costs $1.00, more than max_price.prompt",
    "cheap: input costs $0.0000005, more than max_price.prompt",
    'free: left out by "provider" in the request',
  ]);
});

test("whoever requires parameters is not served by those who would leave one out", async () => {
  const { token } = await startWith({ cerebras: {}, groq: {} });
  const body = { ...ask, store: true };
  const answer = async (requires: boolean) => {
    const provider = { order: ["cerebras"], require_parameters: requires };
    const response = await app.answer(chat(token, { ...body, provider }));
    await response.text();
    return [
      response.headers.get("x-inference-provider"),
      response.headers.get("x-turnpike-left-out"),
    ];
  };
  expect(await answer(false)).toEqual(["cerebras", "store"]);
  expect(await answer(true)).toEqual(["groq", null]);
});

test("the provider object chooses at every door, and no provider sees it", async () => {
  const vectors = () =>
    Response.json({ data: [{ index: 0, embedding: [1, 2] }], usage: { prompt_tokens: 3 } });
  const { token } = await startWith(
    {
      a: { provider: OWN, reply: vectors, offer: { price: { input: "1" } } },
      b: { provider: OWN, reply: vectors, offer: { price: { input: "1" } } },
    },
    "feature-extraction",
  );
  const embed = async (provider: object) => {
    const body = { model: "org/model", input: "hi", provider };
    const response = await app.answer(call("POST", "/v1/embeddings", token, body));
    await response.text();
    return [response.status, response.headers.get("x-inference-provider")];
  };
  expect(await embed({ only: ["b"] })).toEqual([200, "b"]);
  expect(await embed({ max_price: { prompt: 0.5 } })).toEqual([404, null]);
  expect(await embed({ data_collection: "deny" })).toEqual([404, null]);
  expect(providers.map(({ received }) => received.length)).toEqual([0, 1]);
  expect(providers[1]?.received[0]?.body).not.toContain("only");
});

test("a request goes to those whose offer can do what it asks", async () => {
  const { token } = await startWith({
    plain: {
      provider: OWN,
      offer: {
        ...{ supports_structured_output: false, supports_tools: false },
        ...{ input_modalities: ["text"], context_length: 1_000 },
      },
    },
    able: { provider: OWN },
  });
  const picture = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
  const schema = { name: "x", schema: { type: "object" } };
  const said = (text: string) => ({ messages: [{ role: "user", content: text }] });
  for (const [more, who] of [
    [{}, "plain"],
    [{ tools: [{ type: "function", function: { name: "f" } }] }, "able"],
    [{ response_format: { type: "json_object" } }, "plain"],
    [{ response_format: { type: "json_schema", json_schema: schema } }, "able"],
    [{ messages: [{ role: "user", content: [picture] }] }, "able"],
    [{ messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }] }, "plain"],
    [{ max_tokens: 900 }, "plain"],
    [{ max_tokens: 1_001 }, "able"],
    [said("word ".repeat(900)), "able"],
  ] as const) {
    const body = { ...ask, model: "org/model:preferred", ...more };
    const response = await app.answer(chat(token, body));
    await response.text();
    expect({ more, who: response.headers.get("x-inference-provider") }).toEqual({ more, who });
  }
  // What only may be too long is still sent where nobody else is left; what is for sure is not.
  const only = { provider: { only: ["plain"] } };
  const maybe = await app.answer(chat(token, { ...ask, ...said("word ".repeat(900)), ...only }));
  expect(maybe.status).toBe(200);
  const never = await app.answer(chat(token, { ...ask, ...said("word ".repeat(9_000)), ...only }));
  expect((await errorOf(never)).served_if[0]).toBe(
    "plain: has a context of 1000 tokens, which is too short",
  );
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
