/** Plans, periods and pay-as-you-go as callers and the operator meet them. */
import { afterEach, expect, test } from "bun:test";
import {
  call,
  chat,
  recordingLog,
  type TestApp,
  type TestUser,
  testApp,
  until,
} from "../support/app.js";
import { manualClock } from "../support/clock.js";
import { fakeProvider, plainAnswer, type Reply, yamlFor } from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

/** A token of output costs a thousandth of a dollar. */
const PRICE = { input: "0", output: "1000" };
const TOKEN = 1_000_000n;
const LIMIT = "/api/turnpike/me/spending-limit";
const CREDITS = "/api/turnpike/me/credits";
const USERS = "/api/turnpike/admin/users";

async function start(
  plans: Readonly<Record<string, unknown>> = {},
  reply: () => Reply = () => plainAnswer({ prompt: 1, completion: 40 }),
) {
  const time = manualClock();
  const provider = fakeProvider(reply);
  cleanUps.push(provider.stop);
  const app = await testApp({
    yaml: yamlFor({ local: provider.origin }, PRICE, { plans }),
    clock: time.clock,
  });
  cleanUps.push(app.stop);
  const owner = await app.addOwner();
  return { app, owner, ...time, yaml: yamlFor({ local: provider.origin }, PRICE, { plans }) };
}

/** Asks for `tokens` of output; 40 are delivered and paid. */
const ask = (app: TestApp, { token }: TestUser, tokens = 40) =>
  app.answer(
    chat(token, {
      model: "org/model",
      messages: [{ role: "user", content: "hi" }],
      max_tokens: tokens,
    }),
  );

/** What somebody is told whose money does not do. */
async function refusal(app: TestApp, user: TestUser): Promise<string> {
  const answer = await ask(app, user);
  expect(answer.status).toBe(402);
  return (await answer.json()).error.message;
}

async function json(app: TestApp, method: string, path: string, token: string, body?: unknown) {
  const response = await app.answer(call(method, path, token, body));
  return { status: response.status, body: await response.json() };
}

const setLimit = (app: TestApp, { token }: TestUser, amount: unknown) =>
  json(app, "PUT", LIMIT, token, { amount });

/** What `me/credits` says is left, kind by kind, in dollars of a thousand tokens. */
async function left(app: TestApp, { token }: TestUser): Promise<Record<string, number>> {
  await app.drain();
  const { body } = await json(app, "GET", CREDITS, token);
  return Object.fromEntries(
    body.buckets.map((bucket: { kind: string; left_nano_usd: string }) => [
      bucket.kind,
      Number(BigInt(bucket.left_nano_usd) / TOKEN),
    ]),
  );
}

const ONE_DOLLAR = { pro: { monthly_credit: "0.05", extra_usage: "pay_as_you_go" } };

test("pro stops at its credit until a spending limit is set, and then goes on up to it", async () => {
  const { app } = await start(ONE_DOLLAR);
  const ada = await app.addUser("ada", "pro");
  expect((await ask(app, ada)).status).toBe(200);
  const short = await ask(app, ada, 16);
  expect(short.status).toBe(402);
  expect((await short.json()).error).toMatchObject({
    bucket: "credit",
    bucket_name: "ada",
    available_nano_usd: String(10n * TOKEN),
    resets_at: "2026-02-01T00:00:00.000Z",
    message: expect.stringContaining(`set your spending limit: PUT ${LIMIT}`),
  });
  expect(await setLimit(app, ada, "0.1")).toEqual({
    status: 200,
    body: { spending_limit_nano_usd: "100000000", own_nano_usd: "100000000", max_nano_usd: null },
  });
  expect((await ask(app, ada)).status).toBe(200);
  expect(await left(app, ada)).toEqual({ plan: 0, pay_as_you_go: 70 });
  expect((await ask(app, ada)).status).toBe(200);
  // 30 are left: the next request is shortened, the one after is charged all there is.
  expect((await ask(app, ada)).headers.get("x-turnpike-clamped")).toBe("max_tokens=30");
  expect(await refusal(app, ada)).toContain("raise your spending limit");
  expect(await left(app, ada)).toEqual({ plan: 0, pay_as_you_go: 0 });
  const { body } = await json(app, "GET", CREDITS, ada.token);
  expect(body).toMatchObject({
    spendable_nano_usd: "0",
    spent_this_period_nano_usd: String(150n * TOKEN),
    buckets: [
      { kind: "plan", scope: "routed", granted_nano_usd: "50000000" },
      { kind: "pay_as_you_go", scope: "routed", granted_nano_usd: "100000000" },
    ],
  });
  expect(await app.state(ada)).toMatchObject({ balanced: true });
});

test("free stops at its credit, and a spending limit is refused by name", async () => {
  const { app } = await start({ free: { monthly_credit: "0.05" } });
  const ada = await app.addUser("ada");
  expect((await ask(app, ada)).status).toBe(200);
  expect(await refusal(app, ada)).toContain(
    "Ask whoever runs this service for credit, or for another plan.",
  );
  const { status, body } = await setLimit(app, ada, "5");
  expect([status, body.error.param]).toEqual([400, "amount"]);
  expect(body.error.message).toContain('The plan "free" has no pay-as-you-go');
  expect((await setLimit(app, ada, "0")).status).toBe(200);
  await app.grant(ada, "0.04");
  expect((await ask(app, ada)).status).toBe(200);
  expect(await left(app, ada)).toMatchObject({ plan: 0 });
});

test("a plan may bring a limit, and a most that its payers may choose", async () => {
  const plan = { extra_usage: "pay_as_you_go", spending_limit: "0.05", spending_limit_max: "0.1" };
  const { app, owner } = await start({ open: plan });
  const ada = await app.addUser("ada", "open");
  expect((await json(app, "GET", LIMIT, ada.token)).body).toEqual({
    spending_limit_nano_usd: "50000000",
    own_nano_usd: null,
    max_nano_usd: "100000000",
  });
  expect((await ask(app, ada)).status).toBe(200);
  expect((await setLimit(app, ada, "0.100000001")).body.error.message).toContain("at most $0.10");
  expect((await setLimit(app, ada, "0.1")).status).toBe(200);
  const changed = await json(app, "PATCH", `${USERS}/ada`, owner.token, { spending_limit: "7" });
  expect(changed.body.user).toMatchObject({ spending_limit_nano_usd: "7000000000" });
  expect(await left(app, ada)).toEqual({ pay_as_you_go: 6_960 });
  await setLimit(app, ada, null);
  expect(await left(app, ada)).toEqual({ pay_as_you_go: 10 });
});

test("amounts that are no amounts are refused, and the field is named", async () => {
  const { app, owner } = await start(ONE_DOLLAR);
  const ada = await app.addUser("ada", "pro");
  const texts = ["1e3", "-1", "+1", "0.0000000001", "9223372036.854775808", "1000000000.1", ""];
  for (const amount of [...texts, " 1", "1,5", "NaN", "٣", 5, true, {}, undefined]) {
    const bodies: readonly [string, string, string, object][] = [
      ["PUT", LIMIT, "amount", { amount }],
      ["POST", "/api/turnpike/admin/credits", "amount", { user: "ada", kind: "purchased", amount }],
      ["POST", "/api/turnpike/me/tokens", "budget.amount", { name: "t", budget: { amount } }],
      ["PATCH", `${USERS}/ada`, "spending_limit", { spending_limit: amount }],
    ];
    for (const [method, path, param, body] of bodies) {
      if (amount === undefined && method === "PATCH") continue;
      const answer = await json(app, method, path, owner.token, body);
      expect({ path, amount, status: answer.status, param: answer.body.error?.param }).toEqual({
        path,
        amount,
        status: 400,
        param,
      });
      expect(answer.body.error.message).toContain("dollars as decimal text");
    }
  }
  expect(await left(app, ada)).toEqual({ plan: 50 });
});

test("the operator's changes are checked: plan, anchor day, and that there is one", async () => {
  const { app, owner } = await start();
  await app.addUser("ada");
  const patch = (body: unknown, name = "ada") =>
    json(app, "PATCH", `${USERS}/${name}`, owner.token, body);
  for (const [body, word] of [
    [{}, "anchor_day"],
    [{ plan: "gold" }, "plan"],
    [{ anchor_day: 0 }, "anchor_day"],
    [{ anchor_day: 32 }, "anchor_day"],
    [{ anchor_day: 1.5 }, "anchor_day"],
    [{ anchor_day: "1" }, "anchor_day"],
    [{ seats: 3 }, "seats"],
  ] as const) {
    const { status, body: said } = await patch(body);
    expect({ body, status }).toEqual({ body, status: 400 });
    expect(said.error.message).toContain(word);
  }
  expect((await patch({ plan: "pro" }, "nobody")).status).toBe(404);
  const { body } = await patch({ plan: "pro", anchor_day: 31, spending_limit: "5" });
  expect(body.user).toMatchObject({
    plan: "pro",
    anchor_day: 31,
    spending_limit_nano_usd: "5000000000",
  });
});

test("plans are listed for the operator with all their figures", async () => {
  const { app, owner } = await start();
  const { body } = await json(app, "GET", "/api/turnpike/admin/plans", owner.token);
  const row = (
    name: string,
    monthly: string,
    perSeat: string,
    extra: string,
    prices: string[],
  ) => ({
    name,
    monthly_credit_nano_usd: monthly,
    monthly_credit_per_seat_nano_usd: perSeat,
    extra_usage: extra,
    spending_limit_nano_usd: "0",
    spending_limit_max_nano_usd: null,
    price_nano_usd: prices[0],
    price_per_seat_nano_usd: prices[1],
    requests_per_minute: null,
    tokens_per_minute: null,
    concurrent_requests: null,
  });
  expect(body.plans).toEqual([
    row("free", "100000000", "0", "none", ["0", "0"]),
    row("pro", "2000000000", "0", "pay_as_you_go", ["9000000000", "0"]),
    row("team", "0", "2000000000", "pay_as_you_go", ["0", "20000000000"]),
    row("enterprise", "0", "2000000000", "pay_as_you_go", ["0", "50000000000"]),
  ]);
});

test("an upgrade counts at once, a downgrade keeps this period's credit and ends pay-as-you-go", async () => {
  const { app, owner, setTime } = await start({
    free: { monthly_credit: "0.05" },
    pro: { monthly_credit: "0.10", extra_usage: "pay_as_you_go", spending_limit: "0.10" },
  });
  const ada = await app.addUser("ada");
  const move = (plan: string) => json(app, "PATCH", `${USERS}/ada`, owner.token, { plan });
  expect((await ask(app, ada)).status).toBe(200);
  expect((await ask(app, ada)).status).toBe(402);
  await move("pro");
  expect(await left(app, ada)).toEqual({ plan: 60, pay_as_you_go: 100 });
  expect((await ask(app, ada)).status).toBe(200);
  await move("free");
  // The account of the headroom is still there, with nothing in it.
  expect(await left(app, ada)).toEqual({ plan: 20, pay_as_you_go: 0 });
  expect((await ask(app, ada, 20)).headers.get("x-turnpike-clamped")).toBeNull();
  expect((await ask(app, ada)).status).toBe(402);
  setTime(Date.UTC(2026, 1, 1));
  expect(await left(app, ada)).toEqual({ plan: 50 });
  expect((await ask(app, ada)).status).toBe(200);
  expect(await app.state(ada)).toMatchObject({ balanced: true });
});

test("a request under way when the limit falls is charged, and what it leaves is nobody's to spend", async () => {
  const gate = Promise.withResolvers<void>();
  const { app } = await start({ pro: { extra_usage: "pay_as_you_go" } }, async () => {
    await gate.promise;
    return plainAnswer({ prompt: 1, completion: 40 });
  });
  const ada = await app.addUser("ada", "pro");
  await setLimit(app, ada, "0.5");
  const running = ask(app, ada, 300);
  await until(() => app.site.gateway.book.heldOn(`user:${ada.user.id}`) > 0n);
  await setLimit(app, ada, "0.06");
  // 200 were neither held nor spent, and are gone already.
  expect((await ask(app, ada, 16)).status).toBe(402);
  gate.resolve();
  expect((await running).status).toBe(200);
  expect(app.site.gateway.book.free(`user:${ada.user.id}`, Date.UTC(2026, 0, 15, 12))).toBe(
    0n as never,
  );
  const next = await ask(app, ada, 300);
  expect(next.headers.get("x-turnpike-clamped")).toBe("max_tokens=20");
  expect(await app.state(ada)).toMatchObject({ held: 0n, balanced: true });
  const { body } = await json(app, "GET", CREDITS, ada.token);
  expect(body.spent_this_period_nano_usd).toBe(String(60n * TOKEN));
});

test("a limit below what is spent leaves zero, and raising it again leaves the difference", async () => {
  const { app } = await start({ pro: { extra_usage: "pay_as_you_go" } });
  const ada = await app.addUser("ada", "pro");
  await setLimit(app, ada, "0.1");
  await ask(app, ada);
  await setLimit(app, ada, "0.01");
  expect(await left(app, ada)).toEqual({ pay_as_you_go: 0 });
  expect((await ask(app, ada)).status).toBe(402);
  await setLimit(app, ada, "0.08");
  expect(await left(app, ada)).toEqual({ pay_as_you_go: 40 });
  expect((await ask(app, ada)).status).toBe(200);
  expect((await ask(app, ada)).status).toBe(402);
});

test("periods begin on the anchor day, for the credit, the 402 and what was spent", async () => {
  const { app, owner, setTime } = await start({ free: { monthly_credit: "0.05" } });
  const ada = await app.addUser("ada");
  await json(app, "PATCH", `${USERS}/ada`, owner.token, { anchor_day: 20 });
  await ask(app, ada);
  expect((await (await ask(app, ada)).json()).error.resets_at).toBe("2026-02-01T00:00:00.000Z");
  setTime(Date.UTC(2026, 1, 1));
  expect((await ask(app, ada)).status).toBe(200);
  expect((await (await ask(app, ada)).json()).error.resets_at).toBe("2026-02-20T00:00:00.000Z");
  setTime(Date.UTC(2026, 1, 20));
  await app.drain();
  const { body } = await json(app, "GET", CREDITS, ada.token);
  expect(body).toMatchObject({
    spendable_nano_usd: String(50n * TOKEN),
    spent_this_period_nano_usd: "0",
    resets_at: "2026-03-20T00:00:00.000Z",
  });
});

test("requests with an own key leave all credit alone", async () => {
  const { app } = await start({ free: { monthly_credit: "0.05" } });
  const ada = await app.addUser("ada");
  await json(app, "PUT", "/api/turnpike/me/provider-keys/local", ada.token, {
    key: "own-key-1234",
  });
  for (let i = 0; i < 3; i++) {
    const answer = await ask(app, ada, 400);
    expect([answer.status, answer.headers.get("x-turnpike-billed-to")]).toEqual([
      200,
      "provider-key",
    ]);
  }
  expect(await left(app, ada)).toEqual({ plan: 50 });
});

test("a token with a budget cannot change what its user spends", async () => {
  const { app } = await start(ONE_DOLLAR);
  const ada = await app.addUser("ada", "pro");
  const budget = { amount: 5n * TOKEN, period: "month" } as never;
  const token = await app.addToken(ada, { budget, scopes: ["read", "write"] });
  expect((await json(app, "PUT", LIMIT, token, { amount: "5" })).status).toBe(403);
  expect((await json(app, "GET", LIMIT, token)).body.own_nano_usd).toBeNull();
});

test("changes of plan and limit reach another process within a second", async () => {
  const { app, owner, clock, yaml } = await start({
    pro: { extra_usage: "pay_as_you_go" },
    free: { monthly_credit: "0" },
  });
  const ada = await app.addUser("ada", "pro");
  const other = await testApp({ data: app.data, yaml, clock });
  cleanUps.push(other.stop);
  expect((await ask(other, ada)).status).toBe(402);
  await setLimit(app, ada, "0.1");
  expect((await ask(other, ada)).status).toBe(200);
  // What the other process has leased beyond what it spent is 60: it must not spend it once it has heard.
  const began = performance.now();
  await json(app, "PATCH", `${USERS}/ada`, owner.token, { plan: "free" });
  const funds = `user:${ada.user.id}`;
  await until(() => other.site.gateway.book.free(funds, clock.now()) === 0n);
  expect(performance.now() - began).toBeLessThan(1_000);
  expect((await ask(other, ada, 16)).status).toBe(402);
  await other.drain();
  expect((await app.site.ledger.audit()).balanced).toBe(true);
});

test("a plan that the configuration does not have any more is told of, with how many are on it", async () => {
  const { app } = await start(ONE_DOLLAR);
  for (const name of ["ada", "bob", "cyd"]) await app.addUser(name, "gone");
  await app.site.tenants.deleteUser((await app.addUser("dan", "gone")).user.id, 0);
  const { log, lines } = recordingLog();
  const other = await testApp({ data: app.data, log });
  cleanUps.push(other.stop);
  expect(lines.filter(({ event }) => event === "plan_not_configured")).toEqual([
    { level: "warn", event: "plan_not_configured", facts: { plan: "gone", payers: 3 } },
  ]);
});
