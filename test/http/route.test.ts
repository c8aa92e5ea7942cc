/** Who would serve a request, told without asking anyone. */
import { afterEach, expect, test } from "bun:test";
import type { Mapping } from "../../src/catalog/model.js";
import { AT_REST, call, testApp } from "../support/app.js";
import { manualClock } from "../support/clock.js";
import { fakeProvider, plainAnswer } from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const ROUTE = "/api/turnpike/route";
const CHAT = { model: "org/chat", messages: [{ role: "user", content: "hi" }], max_tokens: 1_000 };

/** Nobody who is asked anything would go unnoticed. */
async function start() {
  const provider = fakeProvider(() => plainAnswer());
  cleanUps.push(provider.stop);
  const own = { type: "openai-compatible", base_url: provider.origin };
  const offer = (id: string, price: object, more = {}) => ({
    ...{ provider: id, provider_model: `at-${id}`, price, ...more },
  });
  const { clock, advance } = manualClock();
  const app = await testApp({
    clock,
    yaml: JSON.stringify({
      embedded: { enabled: false },
      providers: { quick: own, slow: own, fresh: own, bare: own },
      models: [
        {
          ...{ id: "org/chat", task: "conversational" },
          providers: [
            offer("slow", { input: "1", output: "1" }),
            offer("fresh", { input: "2", output: "2" }),
            offer("quick", { input: "4", output: "4" }),
            offer("bare", { input: "1", output: "1" }, { supports_tools: false }),
            offer("groq", { input: "1", output: "1" }),
          ],
        },
        {
          ...{ id: "org/words", task: "feature-extraction" },
          providers: [offer("slow", { input: "1" }), offer("quick", { input: "0.5" })],
        },
        {
          ...{ id: "org/prose", task: "text-generation" },
          providers: [offer("slow", { input: "1", output: "1" })],
        },
      ],
    }),
  });
  cleanUps.push(app.stop);
  const ada = await app.addUser("ada");
  const ask = async (body: object) => {
    const response = await app.answer(call("POST", ROUTE, ada.token, body));
    return { status: response.status, body: await response.json() };
  };
  const mapping = (provider: string): Mapping => {
    const mappings = app.site.gateway.catalog.model("org/chat")?.mappings ?? [];
    const found = mappings.find((each) => each.provider === provider);
    if (!found) throw new Error(provider);
    return found;
  };
  const measure = (id: string, tokens: number, times = 30) => {
    const { statistics } = app.site.gateway;
    const answer = { tokens, totalMs: 2_000, firstByteMs: 300 };
    for (let i = 0; i < times; i++) statistics.served(mapping(id), clock.now(), answer);
  };
  return { app, ada, ask, mapping, measure, provider, clock, advance };
}

const order = ({ candidates }: { candidates: { provider: string }[] }) =>
  candidates.map(({ provider }) => provider).join(" ");

test("candidates come in the order in which they would be tried, each with its score, evidence and reasons", async () => {
  const { app, ask, measure, mapping, clock } = await start();
  measure("quick", 200);
  measure("slow", 100);
  measure("bare", 2);
  app.site.gateway.statistics.failed(mapping("bare"), clock.now(), true);
  const { body } = await ask(CHAT);
  expect(body).toMatchObject({ model: "org/chat", task: "conversational", policy: "fastest" });
  expect(order(body)).toBe("quick slow bare fresh");
  const [quick, , bare, fresh] = body.candidates;
  expect(quick).toEqual({
    ...{ provider: "quick", provider_model: "at-quick", own_key: false },
    ...{ score: 100, score_unit: "tokens/s", expected_cost_nano_usd: "4084000" },
    ...{ rests_for_ms: 0, is_explored: false, retains_prompts: null },
    breaker: { mapping: "closed", provider: "closed" },
    reasons: ["100.0 tokens a second were measured"],
    evidence: {
      ...{ throughput: 100, first_byte_ms: 300, first_byte_p50_ms: 269.1 },
      ...{ first_byte_p95_ms: expect.any(Number), total_ms: 2_000 },
      ...{ error_rate: 0, rate_limited_rate: 0, answers: 30 },
      last_seen_at: "2026-01-15T12:00:00.000Z",
    },
  });
  expect(bare.reasons).toEqual([
    "1.0 tokens a second were measured",
    "3.1 % of its attempts failed",
  ]);
  expect(bare.evidence).toMatchObject({ error_rate: 0.03125, rate_limited_rate: 0.03125 });
  expect(fresh).toMatchObject({ score: 0.5, is_explored: true, expected_cost_nano_usd: "2042000" });
  expect(fresh.reasons).toEqual([
    "never measured: taken to be half as fast as the slowest that was",
    "nobody asked it yet: one of the next few requests goes to it first",
  ]);
  expect(body.excluded).toEqual([{ provider: "groq", why: "needs a key (GROQ_API_KEY)" }]);
});

test("every policy is told with its own score, and what the body says of providers counts", async () => {
  const { ask, measure } = await start();
  measure("quick", 200);
  const of = async (more: object) => {
    const { body } = await ask({ ...CHAT, ...more });
    const scores = body.candidates.map((each: { score: number }) => each.score);
    const unit = body.candidates[0]?.score_unit;
    return [body.policy, order(body), scores, unit];
  };
  const only = { only: ["quick", "slow"] };
  expect(await of({ model: "org/chat:cheapest", provider: only })).toEqual([
    ...["cheapest", "slow quick", [1_032_000, 4_128_000], "nano-USD"],
  ]);
  expect(await of({ provider: { ...only, order: ["quick"] } })).toEqual([
    ...["preferred", "quick slow", [1, 2], "place"],
  ]);
  expect(await of({ provider: { ...only, sort: "latency" } })).toEqual([
    ...["soonest", "quick slow", [300, 600], "ms"],
  ]);
  expect(await of({ model: "org/chat:slow" })).toEqual(["slow", "slow", [null], null]);
});

test("whoever rests is told to, and how long", async () => {
  const { app, ask, measure, mapping, clock } = await start();
  measure("quick", 200);
  app.site.gateway.breakers.usedUp(mapping("quick"), clock.elapsed(), 7_000);
  const { body } = await ask(CHAT);
  expect(order(body)).toBe("slow fresh bare quick");
  expect(body.candidates[3]).toMatchObject({
    ...{ rests_for_ms: 7_000, is_explored: false },
    breaker: { mapping: "open", provider: "closed" },
  });
  expect(body.candidates[3].reasons.at(-1)).toContain("rests");
});

test("where nobody is left, it is told what a request would end with", async () => {
  const { ask } = await start();
  const tools = [{ type: "function", function: { name: "f" } }];
  const { status, body } = await ask({ ...CHAT, tools, provider: { only: ["bare"] } });
  expect([status, body.candidates]).toEqual([200, []]);
  expect(body.error).toMatchObject({ code: "model_not_served" });
  expect(body.error.message).toContain("bare: does not support tools");
  expect(body.excluded).toContainEqual({ provider: "bare", why: "does not support tools" });
  const elsewhere = await ask({ ...CHAT, model: "org/chat:together" });
  expect(elsewhere.body.error.message).toContain('"together" does not serve org/chat');
});

test("any body with its route will do, and a model's name alone", async () => {
  const { ask } = await start();
  for (const [more, task, cheapest] of [
    [
      { model: "org/words:cheapest", route: "/v1/embeddings", input: ["a", "b"] },
      "feature-extraction",
      "quick",
    ],
    [{ model: "org/words:cheapest", route: "/v1/embeddings" }, "feature-extraction", "quick"],
    [{ model: "org/words:cheapest" }, "feature-extraction", "quick"],
    [{ route: "/models/org/words", inputs: "a" }, "feature-extraction", "slow"],
    [{ model: "org/prose", route: "/v1/completions", prompt: "Once" }, "text-generation", "slow"],
    [
      { model: "org/prose", route: "/v1/completions", prompt: "Once", stream: true },
      "text-generation",
      "slow",
    ],
    [
      { ...CHAT, model: "org/chat:cheapest", route: "/v1/chat/completions" },
      "conversational",
      "slow",
    ],
  ] as const) {
    const { status, body } = await ask(more);
    expect([status, body.task, body.candidates[0]?.provider]).toEqual([200, task, cheapest]);
  }
  const dear = { max_price: { prompt: 0.4 } };
  const within = await ask({
    model: "org/words",
    route: "/v1/embeddings",
    input: "a",
    provider: dear,
  });
  expect(within.body.excluded.length).toBe(2);
  const named = await ask({ model: "org/words", provider: { max_price: { prompt: 0.5 } } });
  expect(order(named.body)).toBe("quick");
});

test("what is no request is refused as a request would be", async () => {
  const { app, ask } = await start();
  for (const [body, status, code] of [
    [{ model: "org/none" }, 404, "model_not_found"],
    [{ ...CHAT, model: "org/words" }, 404, "model_not_found"],
    [{ ...CHAT, provider: { max_price: 1 } }, 400, "bad_request"],
    [{ ...CHAT, messages: [] }, 400, "bad_request"],
    [{ model: "org/words", route: "/v1/nothing" }, 400, "bad_request"],
    [{ model: "org/words", route: "/v1/embeddings", input: [1] }, 400, "unsupported_parameter"],
  ] as const) {
    const answer = await ask(body);
    expect([body, answer.status, answer.body.error.code]).toEqual([body, status, code]);
  }
  expect((await app.answer(call("POST", ROUTE, undefined, CHAT))).status).toBe(401);
});

test("nobody is called, nothing is held, and nothing is charged", async () => {
  const { app, ada, ask, provider } = await start();
  const before = await app.left(ada);
  await ask(CHAT);
  expect(provider.received).toEqual([]);
  expect(await app.state(ada)).toEqual(AT_REST);
  expect(await app.left(ada)).toBe(before);
});
