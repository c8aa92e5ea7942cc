/** What a refund does to credit that is leased, held, spent, or being spent at that moment. */
import { afterEach, expect, test } from "bun:test";
import { storePlace } from "../../src/app/stores.js";
import { LOSS } from "../../src/ledger/account.js";
import { openStore } from "../../src/store/open.js";
import { AT_REST, call, chat, type TestUser, testApp } from "../support/app.js";
import { fakeProvider, plainAnswer, yamlFor } from "../support/provider.js";
import { openShop, STRIPE_ENV, stripeSettings } from "../support/shop.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const DOLLAR = 1_000_000_000n;
/** A dollar for each token out, nothing for those in. */
const PRICE = { input: "0", output: "1000000" };
const COLLECTED_WITHIN_MS = 8_000;

/** A shop whose buyer bought $10, or what is said, and can spend them, a dollar a token. */
async function withTen(
  reply: () => Response | Promise<Response> = () => plainAnswer({ prompt: 1, completion: 3 }),
  price = "10",
) {
  const provider = fakeProvider(reply);
  cleanUps.push(provider.stop);
  const yaml = (stripe: string) =>
    yamlFor({ local: provider.origin }, PRICE, { payments: stripeSettings(stripe) });
  const shop = await openShop({ yamlFor: yaml });
  cleanUps.push(shop.stop);
  const { app, account, deliver, checkout } = shop;
  const ada = await app.addUser("ada", "team");
  const session = await checkout(ada, price);
  await deliver(account.pay(session));
  const spend = (tokens: number, via = app, token = ada.token) =>
    via.answer(
      chat(token, {
        model: "org/model",
        messages: [{ role: "user", content: "hi" }],
        max_tokens: tokens,
      }),
    );
  const payment = async () => (await shop.payments(ada))[0];
  return { ...shop, provider, yaml: yaml(shop.stripe.origin), ada, session, spend, payment };
}

type World = Awaited<ReturnType<typeof withTen>>;

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + COLLECTED_WITHIN_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${COLLECTED_WITHIN_MS} ms: ${what}`);
    await Bun.sleep(20);
  }
}

const collected = (world: World) =>
  until(
    "nothing is outstanding",
    async () => (await world.payment())?.outstanding_nano_usd === "0",
  );

/** Taken back, lost and outstanding, in dollars. */
async function reversed(world: World): Promise<readonly string[]> {
  const payment = await world.payment();
  return ["taken_back_nano_usd", "lost_nano_usd", "outstanding_nano_usd"].map((name) =>
    String(BigInt(payment?.[name] ?? -1) / DOLLAR),
  );
}

async function expectBooks(world: World, ada: TestUser, lossDollars: bigint): Promise<void> {
  expect(await world.app.state(ada)).toEqual(AT_REST);
  const store = await openStore(storePlace(world.app.config));
  const query = store.db.selectFrom("accounts").select("balance").where("id", "=", LOSS);
  const loss = await query.executeTakeFirst();
  await store.close();
  expect(loss?.balance ?? 0n).toBe(-lossDollars * DOLLAR);
}

test("what was spent before the refund is the operator's loss, the rest is gone within seconds", async () => {
  const world = await withTen();
  const { account, deliver, session, spend, ada, app } = world;
  expect((await spend(3)).status).toBe(200);
  // Half of the rest is leased by this process, which nobody has asked to give it back yet.
  await deliver(account.refund(session, 1_000).event);
  await collected(world);
  expect(await reversed(world)).toEqual(["7", "3", "0"]);
  expect((await spend(1)).status).toBe(402);
  const credit = await (
    await app.answer(call("GET", "/api/turnpike/me/credits", ada.token))
  ).json();
  expect(credit).toMatchObject({
    spendable_nano_usd: "0",
    spent_this_period_nano_usd: String(3n * DOLLAR),
  });
  await expectBooks(world, ada, 3n);
});

test("a refund of a part takes that part, and the rest can be spent", async () => {
  const world = await withTen();
  const { account, deliver, session, spend, ada, app } = world;
  expect((await spend(3)).status).toBe(200);
  await deliver(account.refund(session, 500).event);
  await collected(world);
  expect(await reversed(world)).toEqual(["5", "0", "0"]);
  expect(await app.left(ada)).toBe(2n * DOLLAR);
  await deliver(account.refund(session, 500).event);
  await collected(world);
  expect(await reversed(world)).toEqual(["7", "3", "0"]);
  await expectBooks(world, ada, 3n);
});

test("what a request holds while the refund comes is either its cost or taken back when it ends", async () => {
  const answer = Promise.withResolvers<Response>();
  const world = await withTen(() => answer.promise);
  const { account, deliver, session, spend, ada } = world;
  const running = spend(4);
  await until("the request is under way", async () => world.provider.received.length === 1);
  await deliver(account.refund(session, 1_000).event);
  await until("all but the hold is taken", async () => (await reversed(world))[2] === "4");
  expect(await reversed(world)).toEqual(["6", "0", "4"]);
  answer.resolve(plainAnswer({ prompt: 1, completion: 1 }));
  expect((await running).status).toBe(200);
  await collected(world);
  expect(await reversed(world)).toEqual(["9", "1", "0"]);
  await expectBooks(world, ada, 1n);
}, 20_000);

test("credit that other processes have leased comes back too", async () => {
  const world = await withTen();
  const { account, deliver, session, spend, ada, app } = world;
  const others = [];
  for (let i = 0; i < 2; i++) {
    const other = await testApp({ data: app.data, yaml: world.yaml, env: STRIPE_ENV });
    cleanUps.push(other.stop);
    others.push(other);
  }
  for (const via of [app, ...others]) expect((await spend(3, via)).status).toBe(200);
  await deliver(account.refund(session, 1_000).event);
  await collected(world);
  expect(await reversed(world)).toEqual(["1", "9", "0"]);
  for (const via of [app, ...others]) expect((await spend(1, via)).status).toBe(402);
  await expectBooks(world, ada, 9n);
}, 20_000);

test("a payer who goes on spending is left with nothing, and is not charged beyond what they had", async () => {
  const world = await withTen(async () => {
    await Bun.sleep(30);
    return plainAnswer({ prompt: 1, completion: 1 });
  }, "1000");
  const { account, deliver, session, spend, ada } = world;
  let isOver = false;
  let served = 0;
  const spending = Promise.all(
    Array.from({ length: 3 }, async () => {
      while (!isOver) {
        const { status } = await spend(2);
        if (status === 200) served++;
        else isOver = true;
      }
    }),
  );
  await until("some was spent", async () => served >= 2);
  await deliver(account.refund(session, 100_000).event);
  await spending;
  await collected(world);
  const [taken, lost] = await reversed(world);
  expect(Number(taken) + Number(lost)).toBe(1_000);
  expect(Number(lost)).toBe(served);
  // A second or so of spending, not all of it.
  expect(Number(taken)).toBeGreaterThan(500);
  await expectBooks(world, ada, BigInt(served));
}, 20_000);

test("a refund that fails gives back the credit, and takes the loss off the operator", async () => {
  const world = await withTen();
  const { account, deliver, session, spend, ada, app } = world;
  expect((await spend(3)).status).toBe(200);
  const { refund, event } = account.refund(session, 1_000, "pending");
  await deliver(event);
  await collected(world);
  expect(await reversed(world)).toEqual(["7", "3", "0"]);
  await deliver(account.failRefund(refund));
  expect(await reversed(world)).toEqual(["0", "0", "0"]);
  expect(await app.left(ada)).toBe(7n * DOLLAR);
  expect((await spend(3)).status).toBe(200);
  // News of the time before it failed, told again, must not take it back once more.
  await deliver(event);
  expect(await app.left(ada)).toBe(4n * DOLLAR);
  await expectBooks(world, ada, 0n);
});

test("a dispute takes nothing before it is lost, nothing when it is won, and never more than was paid", async () => {
  const world = await withTen();
  const { account, deliver, session, ada, app, lines } = world;
  const first = account.dispute(session);
  await deliver(first.event);
  expect(lines.map(({ event }) => event)).toContain("payment_disputed");
  expect(await app.left(ada)).toBe(10n * DOLLAR);
  await deliver(account.closeDispute(first.dispute, "warning_closed"));
  await deliver(account.closeDispute(first.dispute, "won"));
  expect(await app.left(ada)).toBe(10n * DOLLAR);
  const second = account.dispute(session);
  await deliver(account.refund(session, 400).event);
  const lost = account.closeDispute(second.dispute, "lost");
  await deliver(lost);
  await collected(world);
  // Of $14 that went back by their word, $10 had come in.
  expect(await reversed(world)).toEqual(["10", "0", "0"]);
  // An appeal after all.
  await deliver(account.closeDispute(second.dispute, "won"));
  expect(await reversed(world)).toEqual(["4", "0", "0"]);
  await deliver(lost);
  expect(await app.left(ada)).toBe(6n * DOLLAR);
  await expectBooks(world, ada, 0n);
});

test("credit from elsewhere is not touched by a refund", async () => {
  const world = await withTen();
  const { account, deliver, session, spend, ada, app } = world;
  // What is older is spent first, and what was bought must be older by a whole millisecond.
  await Bun.sleep(2);
  await app.grant(ada, "5");
  expect((await spend(3)).status).toBe(200);
  await deliver(account.refund(session, 1_000).event);
  await collected(world);
  expect(await app.left(ada)).toBe(5n * DOLLAR);
  expect((await spend(5)).status).toBe(200);
  await expectBooks(world, ada, 3n);
});
