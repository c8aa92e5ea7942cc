/** What a provider says in its answer that a request cost: believed where its entry says so, and nowhere else. */
import { afterEach, expect, test } from "bun:test";
import { AT_REST, call, chat, testApp } from "../support/app.js";
import { manualClock } from "../support/clock.js";
import { chunk, DONE, fakeProvider, type Reply, streamed, yamlFor } from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const CREDIT = 100_000_000n;
const ASK = { model: "org/model", messages: [{ role: "user", content: "hi" }], max_tokens: 50 };
/** At $1 and $2 per million tokens: 10 + 5 × 2 = 20 thousandths of a mill. */
const TOKENS = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const COUNTED = "20000";

async function start(reply: () => Reply, believed: string | undefined, price?: object) {
  const provider = fakeProvider(reply);
  cleanUps.push(provider.stop);
  const yaml = JSON.parse(yamlFor({ local: provider.origin }, price as Record<string, string>));
  if (believed !== undefined) yaml.providers.local.reported_cost = believed;
  const { clock } = manualClock();
  const app = await testApp({ yaml: JSON.stringify(yaml), clock });
  cleanUps.push(app.stop);
  const ada = await app.addUser("ada");
  const owner = await app.addOwner();
  const ask = (body: Readonly<Record<string, unknown>> = {}, headers = {}) =>
    app.answer(chat(ada.token, { ...ASK, ...body }, headers));
  const newest = async () => {
    await app.drain();
    const answer = await app.answer(call("GET", "/api/turnpike/me/requests", ada.token));
    return (await answer.json()).requests[0];
  };
  const drift = async (query = "") => {
    const path = `/api/turnpike/admin/drift${query}`;
    return app.answer(call("GET", path, owner.token));
  };
  return { app, ada, ask, newest, drift };
}

const answerWith = (usage: unknown): Response =>
  Response.json({
    id: "1",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "Hi" } }],
    usage,
  });

const eventWith = (usage: unknown): string =>
  `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 1, model: "m", choices: [], usage })}\n\n`;

test("a cost in dollars beside the usage is what is charged, to the nano-dollar", async () => {
  const table: readonly [unknown, string, string][] = [
    [0.000123, "123000", "provider"],
    [1.23e-7, "123", "provider"],
    [0, "0", "provider"],
    // Below a nano-dollar is one.
    [1e-12, "1", "provider"],
    [0.00002, COUNTED, "provider"],
    // No costs: our own count stands.
    [-0.5, COUNTED, "count"],
    ["0.5", COUNTED, "count"],
    [null, COUNTED, "count"],
    [undefined, COUNTED, "count"],
    [[1], COUNTED, "count"],
  ];
  let cost: unknown;
  const world = await start(() => answerWith({ ...TOKENS, cost, extra: "kept" }), "usage.cost");
  let spent = 0n;
  for (const [given, charged, from] of table) {
    cost = given;
    const response = await world.ask();
    expect({ given, charged: response.headers.get("x-turnpike-cost-nano-usd") }).toEqual({
      given,
      charged,
    });
    const text = await response.text();
    // One cost stands in the answer, and it is what was charged.
    expect(text.match(/"cost":/g)).toHaveLength(1);
    const { usage } = JSON.parse(text);
    expect(usage).toMatchObject({ ...TOKENS, extra: "kept", cost_nano_usd: charged });
    expect(usage.cost).toBeCloseTo(Number(charged) / 1e9, 12);
    const request = await world.newest();
    expect(request).toMatchObject({ cost_nano_usd: charged, cost_from: from });
    expect(request.counted_nano_usd).toBe(from === "provider" ? COUNTED : undefined);
    spent += BigInt(charged);
  }
  expect(await world.app.left(world.ada)).toBe(CREDIT - spent);
  expect(await world.app.state(world.ada)).toEqual(AT_REST);
});

test("a cost in a stream's usage is what is charged", async () => {
  const usage = { ...TOKENS, cost: 0.000123 };
  const world = await start(
    () => streamed([chunk("Hi", "stop"), eventWith(usage), DONE]),
    "usage.cost",
  );
  const asked = { stream: true, stream_options: { include_usage: true } };
  const text = await (await world.ask(asked)).text();
  expect(text).toContain('"cost":0.000123,"cost_nano_usd":"123000"');
  expect(text.match(/"cost":/g)).toHaveLength(1);
  expect(text).toContain('"cost_nano_usd":"123000","credits_remaining');
  expect(await world.newest()).toMatchObject({
    cost_nano_usd: "123000",
    counted_nano_usd: COUNTED,
  });
});

test("nobody is believed whose entry does not say so", async () => {
  for (const believed of [undefined, "none", "x-compute-time"]) {
    const world = await start(() => answerWith({ ...TOKENS, cost: 0.05 }), believed);
    const response = await world.ask();
    expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe(COUNTED);
    expect((await response.json()).usage).toMatchObject({ cost: 0.00002, cost_nano_usd: COUNTED });
    expect(await world.newest()).toMatchObject({ cost_from: "count" });
  }
});

test("an own key and a free offer cost nothing, whatever the provider says", async () => {
  const world = await start(() => answerWith({ ...TOKENS, cost: 0.05 }), "usage.cost");
  const own = { "x-turnpike-provider-key": "own-key-1" };
  const response = await world.ask({ model: "org/model:local" }, own);
  expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe("0");
  expect(await world.app.left(world.ada)).toBe(0n + CREDIT);
});

test("a cost above the hold is charged as far as the balance goes, and the rest is overrun", async () => {
  const world = await start(() => answerWith({ ...TOKENS, cost: 0.25 }), "usage.cost");
  const response = await world.ask();
  expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe(String(CREDIT));
  expect(await world.newest()).toMatchObject({
    cost_nano_usd: String(CREDIT),
    overrun_nano_usd: "150000000",
    counted_nano_usd: COUNTED,
  });
  expect(await world.app.left(world.ada)).toBe(0n);
  expect(await world.app.state(world.ada)).toEqual(AT_REST);
});

test("a cost beyond all reason does not stop the books", async () => {
  for (const cost of [1e30, 1e300]) {
    const world = await start(() => answerWith({ ...TOKENS, cost }), "usage.cost");
    expect((await world.ask()).status).toBe(200);
    await world.app.drain();
    expect(await world.app.state(world.ada)).toEqual(AT_REST);
  }
});

test("a count beyond all reason does not stop the books either", async () => {
  const usage = { prompt_tokens: 9, completion_tokens: Number.MAX_SAFE_INTEGER };
  const world = await start(() => answerWith(usage), undefined, { input: "1", output: "1000" });
  const response = await world.ask();
  expect(response.headers.get("x-turnpike-cost-nano-usd")).toBe(String(CREDIT));
  expect(await world.app.left(world.ada)).toBe(0n);
  expect(await world.app.state(world.ada)).toEqual(AT_REST);
});

test("the owner sees how far our count is from what the provider says", async () => {
  let cost = 0.00003;
  const world = await start(() => answerWith({ ...TOKENS, cost }), "usage.cost");
  for (cost of [0.00003, 0.00001, 0.00002, 0.00005]) await (await world.ask()).text();
  await world.app.drain();
  expect(await (await world.drift()).json()).toEqual({
    providers: [
      {
        provider: "local",
        requests: 4,
        counted_nano_usd: "80000",
        reported_nano_usd: "110000",
        drift_nano_usd: "30000",
        above: 2,
        below: 1,
        unbilled: 0,
      },
    ],
  });
  for (const days of ["0", "-1", "x", "1.5", "99999"]) {
    const refused = await world.drift(`?days=${days}`);
    expect(refused.status).toBe(400);
    expect((await refused.json()).error.param).toBe("days");
  }
  const path = "/api/turnpike/admin/drift";
  expect((await world.app.answer(call("GET", path, world.ada.token))).status).toBe(403);
});
