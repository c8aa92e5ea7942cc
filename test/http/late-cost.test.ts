/** Costs that a provider tells later, by its billing endpoint: charged or given back, in the open, and once. */
import { afterEach, expect, test } from "bun:test";
import type { Dials } from "../../sim/dials.js";
import { startSim } from "../../sim/server.js";
import { AT_REST, call, chat, recordingLog, testApp, until } from "../support/app.js";
import { manualClock } from "../support/clock.js";
import { fakeProvider, plainAnswer } from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const CREDIT = 100_000_000n;
const MODEL = "org/model";
const ASK = { model: MODEL, messages: [{ role: "user", content: "hi [[tokens=100]]" }] };
/** What the provider charges, in dollars per million tokens, and what our catalog says. */
const TRUE_PRICE = { input: "10", output: "20" };
const DEARER = { input: "20", output: "40" };
const CHEAPER = { input: "5", output: "10" };

type Options = {
  readonly price?: Readonly<Record<string, string>>;
  readonly dials?: Dials;
  readonly offer?: Readonly<Record<string, unknown>>;
  readonly billing?: Readonly<Record<string, unknown>>;
  /** The address of a server of one's own that offers the model too. */
  readonly other?: string;
};

async function start({
  price = DEARER,
  dials = {},
  offer = {},
  billing = {},
  other,
}: Options = {}) {
  const sim = startSim({ prices: { novita: { "*": TRUE_PRICE } }, dials });
  cleanUps.push(sim.stop);
  const { log, lines } = recordingLog();
  const time = manualClock(Date.now());
  const url = `${sim.url("novita")}/_billing`;
  const yaml = JSON.stringify({
    allow_literal_keys: true,
    providers: {
      novita: { base_url: sim.url("novita"), api_key: "k", billing: { url, ...billing } },
      ...(other && { other: { type: "openai-compatible", base_url: other } }),
    },
    models: [
      {
        id: MODEL,
        task: "conversational",
        providers: [
          { provider: "novita", provider_model: "m", price, ...offer },
          ...(other ? [{ provider: "other", provider_model: "m", price }] : []),
        ],
      },
    ],
  });
  const app = await testApp({ yaml, clock: time.clock, log });
  cleanUps.push(app.stop);
  const ada = await app.addUser("ada");
  const ask = async (
    body: Readonly<Record<string, unknown>> = {},
    headers = {},
    token = ada.token,
  ) => {
    const response = await app.answer(chat(token, { ...ASK, ...body }, headers));
    return { response, text: await response.text() };
  };
  const requests = async () => {
    await app.drain();
    const answer = await app.answer(call("GET", "/api/turnpike/me/requests", ada.token));
    return (await answer.json()).requests as Record<string, unknown>[];
  };
  const round = async () => {
    await app.drain();
    await app.askForCosts();
  };
  const owed = () => sim.log("novita").reduce((sum, entry) => sum + BigInt(entry.costNanoUsd), 0n);
  return { app, ada, ask, requests, round, owed, sim, lines, advance: time.advance };
}

type World = Awaited<ReturnType<typeof start>>;

const left = ({ app, ada }: World) => app.left(ada);

async function expectAtRest({ app, ada }: World): Promise<void> {
  expect(await app.state(ada)).toEqual(AT_REST);
  expect((await app.site.ledger.audit()).faults).toEqual([]);
}

test("our own count is charged at once, and what it was too much comes back later", async () => {
  for (const stream of [false, true]) {
    const world = await start();
    await world.ask({ stream });
    const counted = 2n * world.owed();
    expect(await left(world)).toBe(CREDIT - counted);
    expect((await world.requests())[0]).toMatchObject({
      cost_nano_usd: String(counted),
      cost_from: "awaited",
    });
    await world.round();
    expect(await left(world)).toBe(CREDIT - world.owed());
    const [request] = await world.requests();
    expect(request).toMatchObject({
      cost_nano_usd: String(world.owed()),
      counted_nano_usd: String(counted),
      cost_from: "provider",
      overrun_nano_usd: "0",
    });
    const usage = await world.app.answer(call("GET", "/api/turnpike/me/usage", world.ada.token));
    expect(await usage.json()).toMatchObject({
      total_cost_nano_usd: String(world.owed()),
      rows: [{ requests: 1, cost_nano_usd: String(world.owed()) }],
    });
    await expectAtRest(world);
  }
});

test("what was too little is charged later", async () => {
  const world = await start({ price: CHEAPER });
  await world.ask();
  expect(await left(world)).toBe(CREDIT - world.owed() / 2n);
  await world.round();
  expect(await left(world)).toBe(CREDIT - world.owed());
  await expectAtRest(world);
});

test("a higher cost is charged as far as the credit goes, and the rest is overrun", async () => {
  const world = await start({ price: CHEAPER, dials: { billing_factor: 100 } });
  await world.ask();
  const told = 100n * world.owed();
  expect(told).toBeGreaterThan(CREDIT);
  await world.round();
  expect(await left(world)).toBe(0n);
  expect((await world.requests())[0]).toMatchObject({
    cost_nano_usd: String(CREDIT),
    overrun_nano_usd: String(told - CREDIT),
    cost_from: "provider",
  });
  expect((await world.ask()).response.status).toBe(402);
  await expectAtRest(world);
});

test("a late cost spends no more of a token's budget than there is", async () => {
  const world = await start({ price: CHEAPER, dials: { billing_factor: 3 } });
  const budget = { amount: 2_500_000n as never, period: "total" } as const;
  const token = await world.app.addToken(world.ada, { budget });
  await world.ask({}, {}, token);
  const counted = world.owed() / 2n;
  expect(counted).toBeLessThan(2_500_000n);
  expect(3n * world.owed()).toBeGreaterThan(2_500_000n);
  await world.round();
  expect(await left(world)).toBe(CREDIT - 2_500_000n);
  expect((await world.requests())[0]).toMatchObject({
    cost_nano_usd: "2500000",
    overrun_nano_usd: String(3n * world.owed() - 2_500_000n),
  });
  await expectAtRest(world);
});

test("what comes back first makes good the overrun, then the budget and the credit alike", async () => {
  const world = await start({ price: { input: "0", output: "1000" } });
  const budget = { amount: 20_000_000n as never, period: "total" } as const;
  const token = await world.app.addToken(world.ada, { budget });
  world.sim.setDials("novita", { ignore_max_tokens: true, output_tokens: 30 });
  const body = { max_tokens: 20, messages: [{ role: "user", content: "hi" }] };
  await world.ask(body, {}, token);
  // Thirty tokens for thirty mills, of which the budget had twenty.
  expect((await world.requests())[0]).toMatchObject({
    cost_nano_usd: "20000000",
    overrun_nano_usd: "10000000",
  });
  await world.round();
  expect(await left(world)).toBe(CREDIT - world.owed());
  expect((await world.requests())[0]).toMatchObject({
    cost_nano_usd: String(world.owed()),
    overrun_nano_usd: "0",
  });
  await expectAtRest(world);
  // All of the rest of the budget is there again.
  const after = await world.ask({ ...body, max_tokens: 19 }, {}, token);
  expect(after.response.status).toBe(200);
});

test("a fraction of a nano-dollar is rounded up", async () => {
  const world = await start({ dials: { billing_factor: 0.3 } });
  await world.ask({ messages: [{ role: "user", content: "hi [[tokens=1]]" }] });
  await world.round();
  const exact = 3n * world.owed();
  expect((await world.requests())[0]?.cost_nano_usd).toBe(String((exact + 9n) / 10n));
});

const SPEECHLESS = ["garbage", "shape", "null", "text", "negative", "twice", "endless"] as const;

for (const billing of SPEECHLESS) {
  test(`an endpoint that answers ${billing} changes nothing, and is asked again`, async () => {
    const world = await start({ dials: { billing } });
    await world.ask();
    const counted = 2n * world.owed();
    await world.round();
    await world.round();
    expect(await left(world)).toBe(CREDIT - counted);
    expect((await world.requests())[0]).toMatchObject({ cost_from: "awaited" });
    world.sim.setDials("novita", { billing: null as never });
    world.sim.setDials("*", { billing: null as never });
    await world.round();
    expect(await left(world)).toBe(CREDIT - world.owed());
    await expectAtRest(world);
  });
}

test("an endpoint that fails is asked again, and the log says so without a word of its answer", async () => {
  const world = await start({ dials: { billing_fail_rate: 1 } });
  await world.ask();
  await world.round();
  expect(world.lines).toContainEqual({
    level: "warn",
    event: "costs_not_told",
    facts: { provider: "novita", asked: 1, why: "status 500" },
  });
  world.sim.setDials("*", { billing_fail_rate: 0 });
  await world.round();
  expect(await left(world)).toBe(CREDIT - world.owed());
});

test("an endpoint that takes too long is given up for this time", async () => {
  const world = await start({ dials: { billing_latency_ms: 60_000 } });
  await world.ask();
  await world.app.drain();
  const round = world.app.askForCosts();
  await Bun.sleep(50);
  world.advance(45_000);
  await round;
  expect(world.lines.filter(({ event }) => event === "costs_not_told")).toHaveLength(1);
  expect((await world.requests())[0]).toMatchObject({ cost_from: "awaited" });
});

test("what is told the first time is what it cost, whatever is told later, and to whoever asks", async () => {
  const world = await start({ dials: { billing: "unsteady" } });
  await world.ask();
  await world.round();
  const [told] = await world.requests();
  expect(told).toMatchObject({ cost_from: "provider" });
  for (let i = 0; i < 3; i++) await world.round();
  expect(await world.requests()).toEqual([told as never]);
  await expectAtRest(world);
});

test("costs of requests that nobody asked for are ignored", async () => {
  const world = await start({ dials: { billing: "strangers" } });
  await world.ask();
  await world.round();
  expect(await left(world)).toBe(CREDIT - world.owed());
  await expectAtRest(world);
});

test("a request that an answer leaves out is asked for again", async () => {
  const world = await start({ dials: { billing_omit_rate: 0.5 } });
  for (let i = 0; i < 8; i++) await world.ask();
  for (let i = 0; i < 30; i++) await world.round();
  expect(await left(world)).toBe(CREDIT - world.owed());
  expect((await world.requests()).every(({ cost_from: from }) => from === "provider")).toBe(true);
});

test("what is not told within half an hour was free, but is asked for three times at least", async () => {
  const world = await start({ dials: { billing: "null" } });
  await world.ask();
  const counted = 2n * world.owed();
  await world.round();
  world.advance(29 * 60_000);
  await world.round();
  await world.round();
  expect(await left(world)).toBe(CREDIT - counted);
  world.advance(60_000);
  await world.round();
  expect(await left(world)).toBe(CREDIT);
  expect((await world.requests())[0]).toMatchObject({
    cost_nano_usd: "0",
    counted_nano_usd: String(counted),
    cost_from: "nobody",
  });
  expect(world.lines).toContainEqual({
    level: "error",
    event: "costs_given_up",
    facts: { provider: "novita", requests: 1 },
  });
  await expectAtRest(world);
  // Told too late.
  world.sim.setDials("*", { billing: null as never });
  await world.round();
  expect(await left(world)).toBe(CREDIT);
});

test("a request that slept through its half hour is asked for before it is given up", async () => {
  const world = await start();
  await world.ask();
  await world.app.drain();
  world.advance(3 * 3_600_000);
  await world.round();
  expect(await left(world)).toBe(CREDIT - world.owed());
});

test("nobody is asked before the time that the provider wants", async () => {
  const world = await start({ billing: { delay_seconds: 90 } });
  await world.ask();
  await world.round();
  expect((await world.requests())[0]).toMatchObject({ cost_from: "awaited" });
  world.advance(89_000);
  await world.round();
  expect((await world.requests())[0]).toMatchObject({ cost_from: "awaited" });
  world.advance(1_000);
  await world.round();
  expect(await left(world)).toBe(CREDIT - world.owed());
});

test("own keys, free offers, failures and answers without an id are not asked for", async () => {
  const own = await start();
  await own.ask({ model: `${MODEL}:novita` }, { "x-turnpike-provider-key": "own-key-1" });
  await own.round();
  expect((await own.requests())[0]).toMatchObject({ cost_nano_usd: "0", cost_from: "count" });

  const free = await start({ offer: { is_free: true } });
  await free.ask();
  await free.round();
  expect((await free.requests())[0]).toMatchObject({ cost_nano_usd: "0", cost_from: "count" });
  expect(await left(free)).toBe(CREDIT);

  const failed = await start({ dials: { error_in_200: true } });
  expect((await failed.ask()).response.status).toBe(502);
  await failed.round();
  expect((await failed.requests())[0]).toMatchObject({ cost_nano_usd: "0", outcome: "failed" });

  const nameless = await start({ billing: { request_id_header: "x-none" } });
  await nameless.ask();
  await nameless.round();
  expect((await nameless.requests())[0]).toMatchObject({ cost_from: "count" });
  expect(await left(nameless)).toBe(CREDIT - 2n * nameless.owed());
});

test("an answer of the next provider is not charged what the first one tells", async () => {
  const other = fakeProvider(() => plainAnswer());
  cleanUps.push(other.stop);
  const world = await start({
    // An error in an answer of status 200, with an id, and a bill for it.
    dials: { error_in_200: true, billing_factor: 1_000 },
    other: other.origin,
  });
  const { response } = await world.ask({ model: `${MODEL}:preferred` });
  expect(response.headers.get("x-turnpike-route")).toContain("novita:error_in_200,other:200");
  await world.round();
  // 10 × $20 and 5 × $40 per million.
  expect(await left(world)).toBe(CREDIT - 400_000n);
  expect((await world.requests())[0]).toMatchObject({ provider: "other", cost_from: "count" });
  await expectAtRest(world);
});

test("a caller who hangs up pays at last what the provider says", async () => {
  const world = await start({ dials: { tokens_per_second: 200 } });
  const caller = new AbortController();
  const asked = chat(world.ada.token, { ...ASK, stream: true }, {}, caller.signal);
  const response = await world.app.answer(asked);
  const reader = response.body?.getReader();
  for (let said = ""; !said.includes(" "); ) {
    const { value } = (await reader?.read()) ?? {};
    said += /"content":"([^"]+)"/.exec(Buffer.from(value ?? []).toString())?.[1] ?? "";
  }
  caller.abort();
  await until(async () => (await world.requests()).length === 1);
  await until(() => world.sim.log("novita").length === 1);
  await world.round();
  expect(world.owed()).toBeGreaterThan(0n);
  expect(await left(world)).toBe(CREDIT - world.owed());
  expect((await world.requests())[0]).toMatchObject({ status: 499, cost_from: "provider" });
  await expectAtRest(world);
});

test("what comes back to credit that has expired expires", async () => {
  const world = await start();
  const { ledger, gateway } = world.app.site;
  const then = gateway.clock.now();
  await world.ask();
  await world.app.drain();
  world.advance(32 * 24 * 3_600_000);
  await gateway.keeper.returnAll();
  await ledger.expireGrants(gateway.clock.now());
  const leftThen = async () => {
    const view = await ledger.credit({ id: `user:${world.ada.user.id}`, due: [] }, then);
    return view.accounts.map((account) => BigInt(account.left));
  };
  expect(await leftThen()).toEqual([0n]);
  await world.round();
  expect(await leftThen()).toEqual([world.owed()]);
  await ledger.expireGrants(gateway.clock.now());
  expect(await leftThen()).toEqual([0n]);
  await expectAtRest(world);
});

test("the owner sees what was told, and what never was", async () => {
  const world = await start({ dials: { billing_factor: 3 } });
  const owner = await world.app.addOwner();
  await world.ask();
  await world.round();
  world.sim.setDials("*", { billing: "null" });
  await world.ask();
  for (let i = 0; i < 3; i++) {
    world.advance(20 * 60_000);
    await world.round();
  }
  const once = world.owed() / 2n;
  const drift = await world.app.answer(call("GET", "/api/turnpike/admin/drift", owner.token));
  expect(await drift.json()).toEqual({
    providers: [
      {
        provider: "novita",
        requests: 1,
        counted_nano_usd: String(2n * once),
        reported_nano_usd: String(3n * once),
        drift_nano_usd: String(once),
        above: 1,
        below: 0,
        unbilled: 1,
      },
    ],
  });
});
