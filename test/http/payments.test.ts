import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { BUYER, CARD_DIGITS, type StripeEvent } from "../../sim/stripe/objects.js";
import { storePlace } from "../../src/app/stores.js";
import { openStore } from "../../src/store/open.js";
import { fundsBucketOf } from "../../src/tenants/payer.js";
import { AT_REST, call, type TestUser, testApp } from "../support/app.js";
import { manualClock } from "../support/clock.js";
import { postgres } from "../support/postgres.js";
import {
  CHECKOUT,
  HOOK,
  openShop,
  PAYMENTS,
  SECRET_KEY,
  type Shop,
  STRIPE_ENV,
  shopYaml,
  WEBHOOK_SECRET,
} from "../support/shop.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const TEN = 10_000_000_000n;

/** The event with other facts in its object. */
const altered = (event: StripeEvent, facts: object): StripeEvent => ({
  ...event,
  data: { object: { ...event.data.object, ...facts } },
});

async function shop(options: Parameters<typeof openShop>[0] = {}): Promise<Shop> {
  const opened = await openShop(options);
  cleanUps.push(opened.stop);
  return opened;
}

/** A shop with a buyer whose plan brings nothing, so that all they have was bought. */
async function withBuyer(options: Parameters<typeof openShop>[0] = {}) {
  const opened = await shop(options);
  const ada = await opened.app.addUser("ada", "team");
  return { ...opened, ada };
}

/** What the ledger says was granted to a user for money. */
async function purchasesOf({ app }: Shop, { user }: TestUser) {
  const view = await app.site.ledger.credit(fundsBucketOf(user), Date.now());
  return view.accounts.filter(({ kind }) => kind === "purchased");
}

async function expectBalanced({ app }: Shop): Promise<void> {
  expect(await app.site.ledger.audit()).toMatchObject({ balanced: true, faults: [] });
}

describe("without keys", () => {
  test("the routes say what is missing and where to set it", async () => {
    const app = await testApp();
    cleanUps.push(app.stop);
    const ada = await app.addUser("ada");
    const shown = await app.answer(call("GET", CHECKOUT, ada.token));
    expect(await shown.json()).toMatchObject({
      available: false,
      missing: ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"],
    });
    for (const request of [
      call("POST", CHECKOUT, ada.token, { amount: "10" }),
      call("POST", HOOK, undefined, "{}", { "stripe-signature": "t=1,v1=0" }),
    ]) {
      const response = await app.answer(request);
      const { error } = await response.json();
      expect([response.status, error.code]).toEqual([502, "payments_unavailable"]);
      expect(error.missing).toContain("STRIPE_WEBHOOK_SECRET");
      expect(error.message).toContain("payments.stripe in turnpike.yaml");
    }
    expect(await (await app.answer(call("GET", PAYMENTS, ada.token))).json()).toEqual({
      payments: [],
    });
  });

  test("one of the two is not enough to sell, as nobody would hear of a payment", async () => {
    const { app, ada, stripe } = await withBuyer({ env: { STRIPE_SECRET_KEY: SECRET_KEY } });
    const response = await app.answer(call("POST", CHECKOUT, ada.token, { amount: "10" }));
    expect((await response.json()).error.missing).toEqual(["STRIPE_WEBHOOK_SECRET"]);
    expect(stripe.asked).toEqual([]);
  });
});

describe("the form on the first page", () => {
  const send = (app: Shop["app"], form: Readonly<Record<string, string>>) =>
    app.answer(
      new Request("http://turnpike.test/buy", { method: "POST", body: new URLSearchParams(form) }),
    );

  test("leads to the processor's page, for as much as was asked", async () => {
    const { app, ada, stripe, payments } = await withBuyer();
    const page = await (await app.answer(call("GET", "/"))).text();
    expect(page).toContain("<button>Buy credit</button>");
    expect(page).toContain('value="5.00"');
    const answer = await send(app, { token: ada.token, amount: "12.34" });
    expect(answer.status).toBe(303);
    expect(answer.headers.get("location")).toStartWith(`${stripe.origin}/c/pay/cs_`);
    expect(await payments(ada)).toMatchObject([{ amount_nano_usd: "12340000000", state: "open" }]);
    const back = await (await app.answer(call("GET", "/?checkout=paid"))).text();
    expect(back).toContain("Thank you");
  });

  test("says what keeps somebody from buying, and never repeats a token", async () => {
    const { app, ada, stripe } = await withBuyer();
    const bob = await app.addUser("bob", "free");
    const table: readonly [Readonly<Record<string, string>>, number, string][] = [
      [{ token: "", amount: "10" }, 401, "Send your token"],
      [{ token: "hf_tp<b>", amount: "10" }, 401, "not a Turnpike token"],
      [{ token: "ключ", amount: "10" }, 401, "Send your token"],
      [{ token: ada.token, amount: "0.01" }, 400, "amount"],
      [{ token: ada.token, amount: "<script>" }, 400, "amount"],
      [{ token: bob.token, amount: "10" }, 403, "plan"],
      [{ token: ada.token, amount: "1".repeat(5_000) }, 413, "larger than"],
    ];
    for (const [form, status, word] of table) {
      const answer = await send(app, form);
      const text = await answer.text();
      expect([form, answer.status]).toEqual([form, status]);
      expect(text).toContain(word);
      expect(text).not.toContain("<script>");
      if (form.token !== "") expect(text).not.toContain(form.token ?? "");
    }
    expect(stripe.asked).toEqual([]);
  });

  test("is off without keys, and names what is missing", async () => {
    const app = await testApp();
    cleanUps.push(app.stop);
    const page = await (await app.answer(call("GET", "/"))).text();
    expect(page).toContain("<button disabled>Buy credit</button>");
    expect(page).toContain("<code>STRIPE_SECRET_KEY</code> and <code>STRIPE_WEBHOOK_SECRET</code>");
    const answer = await send(app, { token: (await app.addUser("ada")).token, amount: "10" });
    expect(answer.status).toBe(502);
    expect(await answer.text()).toContain("STRIPE_WEBHOOK_SECRET");
  });
});

describe("a checkout", () => {
  test("is for the amount that was asked, in cents and dollars, and the answer leads there", async () => {
    const { app, ada, stripe, payments } = await withBuyer();
    const response = await app.answer(call("POST", CHECKOUT, ada.token, { amount: "12.34" }));
    const { payment, url } = await response.json();
    expect(response.status).toBe(201);
    expect(url).toStartWith(`${stripe.origin}/c/pay/cs_`);
    expect(payment).toMatchObject({ amount_nano_usd: "12340000000", state: "open" });
    const [{ form, idempotencyKey } = { form: {}, idempotencyKey: "" }] = stripe.asked;
    expect(idempotencyKey).toBe(payment.id);
    expect(form).toMatchObject({
      mode: "payment",
      client_reference_id: payment.id,
      adaptive_pricing: { enabled: "false" },
      success_url: "http://turnpike.test/?checkout=paid",
      cancel_url: "http://turnpike.test/?checkout=cancelled",
      line_items: { 0: { price_data: { currency: "usd", unit_amount: "1234" } } },
    });
    expect(await payments(ada)).toMatchObject([
      { id: payment.id, state: "open", amount_nano_usd: "12340000000", currency: "usd" },
    ]);
    expect(await app.left(ada)).toBe(0n);
  });

  test("goes back to where the operator says", async () => {
    const urls = {
      success_url: "https://shop.test/thanks?session={CHECKOUT_SESSION_ID}",
      cancel_url: "https://shop.test/later",
    };
    const { stripe, ...opened } = await withBuyer();
    const yaml = JSON.stringify({ payments: { stripe: { base_url: stripe.origin, ...urls } } });
    const other = await testApp({ yaml, env: STRIPE_ENV });
    cleanUps.push(other.stop);
    const bob = await other.addUser("bob", "team");
    expect((await other.answer(call("POST", CHECKOUT, bob.token, { amount: "10" }))).status).toBe(
      201,
    );
    expect(stripe.asked[0]?.form).toMatchObject(urls);
    expect(await opened.payments(opened.ada)).toEqual([]);
  });

  test("of anything but dollars and cents within the limits is refused, and names them", async () => {
    const { app, ada, stripe } = await withBuyer();
    const amounts = [
      "4.99",
      "1000.01",
      "5.001",
      "0",
      "-5",
      "1e3",
      "",
      "5,00",
      "$5",
      "NaN",
      "99999999999999999999",
    ];
    for (const amount of [...amounts, 5, null, undefined]) {
      const response = await app.answer(call("POST", CHECKOUT, ada.token, { amount }));
      const { error } = await response.json();
      expect({ amount, status: response.status, param: error.param }).toEqual({
        amount,
        status: 400,
        param: "amount",
      });
      if (typeof amount === "string") expect(error.message).toContain('from "5.00" to "1000.00"');
    }
    const more = await app.answer(
      call("POST", CHECKOUT, ada.token, { amount: "5", currency: "eur" }),
    );
    expect(more.status).toBe(400);
    expect(stripe.asked).toEqual([]);
    for (const amount of ["5", "1000.00"]) {
      const response = await app.answer(call("POST", CHECKOUT, ada.token, { amount }));
      expect(response.status).toBe(201);
    }
  });

  test("may be as small and large as the operator says", async () => {
    const { app, ada } = await withBuyer();
    const limits = { min_amount: "0.50", max_amount: "20" };
    const stripe = { base_url: "http://127.0.0.1:1" };
    const other = await testApp({
      yaml: JSON.stringify({ payments: { ...limits, stripe } }),
      env: STRIPE_ENV,
    });
    cleanUps.push(other.stop);
    const bob = await other.addUser("bob", "team");
    expect(await (await other.answer(call("GET", CHECKOUT, bob.token))).json()).toMatchObject({
      available: true,
      min_amount_nano_usd: "500000000",
      max_amount_nano_usd: "20000000000",
    });
    const refused = await other.answer(call("POST", CHECKOUT, bob.token, { amount: "20.01" }));
    expect((await refused.json()).error.message).toContain('from "0.50" to "20.00"');
    expect((await app.answer(call("POST", CHECKOUT, ada.token, { amount: "20.01" }))).status).toBe(
      201,
    );
  });

  test("is refused on a plan that stops at its credit, and offered where bought credit may be spent", async () => {
    const { app, stripe, account, deliver, ...opened } = await shop({
      yamlFor: (origin) =>
        JSON.stringify({
          payments: { stripe: { base_url: origin } },
          plans: { topup: { extra_usage: "prepaid" } },
        }),
    });
    const [free, paying] = [await app.addUser("fred"), await app.addUser("tom", "topup")];
    const shown = async ({ token }: TestUser) =>
      (await app.answer(call("GET", CHECKOUT, token))).json();
    expect(await shown(free)).toMatchObject({
      available: false,
      missing: [],
      plan: "free",
      plan_allows: false,
    });
    const refused = await app.answer(call("POST", CHECKOUT, free.token, { amount: "10" }));
    expect(refused.status).toBe(403);
    expect((await refused.json()).error).toMatchObject({
      code: "forbidden",
      message: expect.stringContaining('The plan "free" stops at the credit that it includes'),
    });
    expect(stripe.asked).toEqual([]);
    expect(await shown(paying)).toMatchObject({ available: true, plan_allows: true });
    await deliver(account.pay(await opened.checkout(paying, "10")));
    expect(await app.left(paying)).toBe(TEN);
  });

  test("needs a token that may write", async () => {
    const { app, ada } = await withBuyer();
    const reader = await app.addToken(ada, { scopes: ["read"] });
    expect((await app.answer(call("GET", CHECKOUT, reader))).status).toBe(200);
    expect((await app.answer(call("POST", CHECKOUT, reader, { amount: "10" }))).status).toBe(403);
    expect((await app.answer(call("POST", CHECKOUT, undefined, { amount: "10" }))).status).toBe(
      401,
    );
  });

  test("is refused while twenty of the same buyer are open, and not any longer", async () => {
    const { clock, advance } = manualClock();
    const { checkout, app, ada, stripe } = await withBuyer({ clock });
    for (let i = 0; i < 20; i++) await checkout(ada, "10");
    const refused = await app.answer(call("POST", CHECKOUT, ada.token, { amount: "10" }));
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "3600"]);
    expect((await refused.json()).error.message).toContain("20 checkouts");
    expect(stripe.asked).toHaveLength(20);
    await checkout(await app.addUser("bob", "team"), "10");
    advance(3_600_001);
    await checkout(ada, "10");
  });

  test("that Stripe refuses is the operator's affair: the caller learns no reason, the log no key", async () => {
    const { app, ada, stripe, lines, payments } = await withBuyer();
    const wrong = await testApp({
      yaml: shopYaml(stripe.origin),
      env: { ...STRIPE_ENV, STRIPE_SECRET_KEY: "sk_test_REVOKED" },
      log: (level, event, facts) => lines.push({ level, event, facts }),
    });
    cleanUps.push(wrong.stop);
    const bob = await wrong.addUser("bob", "team");
    const response = await wrong.answer(call("POST", CHECKOUT, bob.token, { amount: "10" }));
    const text = await response.text();
    expect(response.status).toBe(502);
    expect(JSON.parse(text).error.code).toBe("payments_unavailable");
    expect(lines).toContainEqual({
      level: "error",
      event: "processor_failed",
      facts: expect.objectContaining({ status: 401, type: "StripeAuthenticationError" }),
    });
    expect(text + JSON.stringify(lines)).not.toContain("sk_");
    expect((await app.answer(call("POST", CHECKOUT, ada.token, { amount: "10" }))).status).toBe(
      201,
    );
    expect(await payments(ada)).toHaveLength(1);
  });

  test("is made once when Stripe's first answer gets lost", async () => {
    const { checkout, ada, stripe, payments } = await withBuyer();
    stripe.failNext(() => Response.json({ error: { message: "sorry" } }, { status: 500 }));
    const session = await checkout(ada, "10");
    expect(session.cents).toBe(1_000);
    expect(stripe.asked).toHaveLength(1);
    expect(await payments(ada)).toHaveLength(1);
  });

  test("while Stripe is away is a 502 that says so, and leaves no payment behind", async () => {
    const { app, ada, stripe, payments, lines } = await withBuyer();
    for (const status of [500, 429, 503]) {
      for (let tries = 0; tries < 3; tries++) {
        stripe.failNext(() => Response.json({ error: { message: "sorry" } }, { status }));
      }
      const response = await app.answer(call("POST", CHECKOUT, ada.token, { amount: "10" }));
      const { error } = await response.json();
      expect({ status, told: response.status, code: error.code }).toEqual({
        status,
        told: 502,
        code: "payments_unavailable",
      });
    }
    stripe.stop();
    const gone = await app.answer(call("POST", CHECKOUT, ada.token, { amount: "10" }));
    expect((await gone.json()).error.message).toContain("does not answer");
    expect(await payments(ada)).toEqual([]);
    expect(lines.some(({ event }) => event === "processor_failed")).toBe(true);
  }, 30_000);
});

describe("a webhook", () => {
  const post = async ({ app }: Shop, body: string, signature?: string) => {
    const headers = signature === undefined ? {} : { "stripe-signature": signature };
    const response = await app.answer(call("POST", HOOK, undefined, body, headers));
    return { status: response.status, body: await response.json() };
  };

  test("with a signature that is missing, wrong, of another body or too old moves nothing", async () => {
    const { clock, advance } = manualClock();
    const world = await withBuyer({ clock });
    const { stripe, account, ada, checkout } = world;
    const event = account.pay(await checkout(ada, "10"));
    const { body, signature } = stripe.sign(event);
    const other = stripe.sign(event, "whsec_of_somebody_else");
    const now = clock.now();
    const table: readonly [string, string, string | undefined, string][] = [
      ["missing", body, undefined, "is missing"],
      ["empty", body, "", "does not fit"],
      ["nonsense", body, "hello", "does not fit"],
      ["no signature", body, `t=${Math.floor(now / 1_000)}`, "does not fit"],
      ["another secret's", body, other.signature, "does not fit"],
      ["of another scheme", body, signature.replace("v1=", "v0="), "does not fit"],
      ["of another body", `${body} `, signature, "does not fit"],
      ["of another time", body, signature.replace(/t=\d+/, "t=1"), "does not fit"],
      [
        "six minutes old",
        body,
        stripe.sign(event, WEBHOOK_SECRET, now - 360_000).signature,
        "older than 300 seconds",
      ],
      ["of an empty body", "", stripe.sign("").signature, "does not fit"],
    ];
    for (const [name, sent, header, expected] of table) {
      const { status, body: told } = await post(world, sent, header);
      expect({ name, status, ...told.error }).toMatchObject({
        name,
        status: 400,
        code: "bad_request",
        param: "stripe-signature",
        message: expect.stringContaining(expected),
      });
      expect(JSON.stringify(told)).not.toContain("whsec");
    }
    expect(await purchasesOf(world, ada)).toEqual([]);
    // The same event an hour later, signed anew as Stripe does when it tries again.
    advance(3_600_000);
    expect((await world.deliver(event)).status).toBe(200);
    expect(await world.app.left(ada)).toBe(TEN);
  });

  test("while Stripe changes its secret is good with either of the two signatures", async () => {
    const world = await withBuyer();
    const event = world.account.pay(await world.checkout(world.ada, "10"));
    const { body, signature } = world.stripe.sign(event);
    const [, old = ""] = world.stripe.sign(event, "whsec_old").signature.split(",");
    const [time = "", current = ""] = signature.split(",");
    expect((await post(world, body, [time, old, current].join(","))).status).toBe(200);
  });

  test("that is too large is refused before anything is read of it", async () => {
    const world = await withBuyer();
    const large = JSON.stringify({ padding: "x".repeat(256 * 1024) });
    const { status, body } = await post(world, large, world.stripe.sign(large).signature);
    expect([status, body.error.code]).toEqual([413, "body_too_large"]);
    expect(body.error.message).toContain("262144 bytes");
  });

  test("of a type nobody here needs is received and ignored", async () => {
    const world = await withBuyer();
    const { account, deliver, ada, checkout } = world;
    const session = await checkout(ada, "10");
    const object = account.print(session);
    for (const type of [
      "customer.created",
      "payment_intent.succeeded",
      "charge.succeeded",
      "toString",
      "checkout.session.invented",
    ]) {
      expect(await deliver(account.told(type, object))).toEqual({
        status: 200,
        body: { received: true, concerns: null },
      });
    }
    expect(await purchasesOf(world, ada)).toEqual([]);
  });

  test("about something else that the same Stripe account sells is received and ignored", async () => {
    const world = await withBuyer();
    const { account, deliver, ada, checkout, payments } = world;
    const event = account.pay(await checkout(ada, "10"));
    const foreign = altered(event, { id: "cs_test_of_a_book", payment_intent: "pi_of_a_book" });
    expect(await deliver(foreign)).toEqual({
      status: 200,
      body: { received: true, concerns: null },
    });
    const refund = account.refund(account.sessionAt(String(event.data.object.id)), 100).event;
    for (const facts of [
      { payment_intent: "pi_of_a_book" },
      { payment_intent: null },
      { payment_intent: "pi_x", currency: "eur" },
    ]) {
      expect((await deliver(altered(refund, facts))).status).toBe(200);
    }
    expect(await payments(ada)).toMatchObject([{ state: "open" }]);
    await expectBalanced(world);
  });

  test("that is signed and cannot be read is refused by the name of the member", async () => {
    const world = await withBuyer();
    const event = world.account.pay(await world.checkout(world.ada, "10"));
    const table: readonly [StripeEvent | string, string][] = [
      ["null", "the event"],
      ["[]", "the event"],
      ["{}", "the event.type"],
      ['{"type":"checkout.session.completed"}', "the event.data"],
      ["not json", "signed"],
      ['{"object":"v2.core.event","type":"x"}', "snapshot"],
      [altered(event, { id: 7 }), "data.object.id"],
      [altered(event, { amount_total: "1000" }), "data.object.amount_total"],
      [altered(event, { amount_total: 10.5 }), "data.object.amount_total"],
      [altered(event, { amount_total: -1_000 }), "data.object.amount_total"],
      [altered(event, { payment_intent: 7 }), "data.object.payment_intent"],
    ];
    for (const [sent, expected] of table) {
      const { status, body } = await world.deliver(sent);
      expect({ expected, status, code: body.error?.code }).toEqual({
        expected,
        status: 400,
        code: "bad_request",
      });
      expect(body.error.message).toContain(expected);
    }
    expect(await purchasesOf(world, world.ada)).toEqual([]);
  });

  test("of another amount or currency than the checkout was for is refused, logged, and can be seen", async () => {
    const world = await withBuyer();
    const { account, deliver, ada, checkout, payments, lines } = world;
    const event = account.pay(await checkout(ada, "10"));
    for (const facts of [
      { amount_total: 999 },
      { amount_total: 100_000 },
      { amount_total: 0, payment_status: "no_payment_required" },
      { amount_total: null },
      { currency: "eur" },
      { currency: "USD" },
      { currency: null },
      // What we never sent must not count for anything.
      { amount_total: 100_000, metadata: { amount: "10", payment: "x" }, client_reference_id: "y" },
    ]) {
      const { status, body } = await deliver(altered(event, facts));
      expect({ facts, status }).toEqual({ facts, status: 400 });
      expect(body.error.message).toContain("is for 10.00 usd");
    }
    expect(await payments(ada)).toMatchObject([{ state: "refused" }]);
    expect(await purchasesOf(world, ada)).toEqual([]);
    const told = lines.filter(({ event: name }) => name === "payment_refused");
    expect(told).toHaveLength(8);
    expect(told[0]).toMatchObject({
      level: "error",
      facts: { told: "9.99 usd", expected: "10.00 usd" },
    });
    await expectBalanced(world);
    // The right one still counts, and a wrong one after it takes nothing away.
    expect((await deliver(event)).status).toBe(200);
    expect((await deliver(altered(event, { amount_total: 1 }))).status).toBe(400);
    expect(await payments(ada)).toMatchObject([{ state: "paid" }]);
    expect(await world.app.left(ada)).toBe(TEN);
  });

  test("leaves no card, name, address or secret in the store, the log or an answer", async () => {
    const world = await withBuyer();
    const { account, deliver, ada, checkout, lines, app } = world;
    const session = await checkout(ada, "10");
    const answers = [await deliver(account.pay(session))];
    const { dispute, event } = account.dispute(session);
    answers.push(await deliver(event), await deliver(account.closeDispute(dispute, "lost")));
    answers.push(await deliver(altered(account.refund(session, 100).event, { currency: "eur" })));
    const store = await openStore(storePlace(app.config));
    const rows = [
      await store.db.selectFrom("payments").selectAll().execute(),
      await store.db.selectFrom("payment_reversals").selectAll().execute(),
      await store.db.selectFrom("accounts").selectAll().execute(),
    ];
    await store.close();
    expect(rows[0]).toHaveLength(1);
    expect(rows[1]).toHaveLength(1);
    const all = JSON.stringify([answers, rows, lines], (_, value) =>
      typeof value === "bigint" ? String(value) : value,
    );
    for (const secret of [
      BUYER.email,
      BUYER.name,
      BUYER.address.line1,
      `"${CARD_DIGITS}"`,
      "visa",
      "SECRET",
      "sk_test",
      "whsec",
    ]) {
      expect(all).not.toContain(secret);
    }
  });
});

const ENGINES = [
  { name: "SQLite", place: async () => undefined },
  { name: "Postgres", place: async () => (await postgres()).freshDatabase() },
];

for (const engine of ENGINES) {
  describe(`payments on ${engine.name}`, () => {
    beforeAll(async () => {
      await engine.place();
    });

    const open = async () => withBuyer({ config: { databaseUrl: await engine.place() } });

    test("a paid checkout is one grant of exactly its price, told once or often, by one process or two", async () => {
      const world = await open();
      const { account, deliver, ada, checkout, payments, app, stripe } = world;
      const second = await testApp({
        data: app.data,
        yaml: shopYaml(stripe.origin),
        env: STRIPE_ENV,
        config: { databaseUrl: app.config.databaseUrl },
      });
      cleanUps.push(second.stop);
      const session = await checkout(ada, "10");
      const event = account.pay(session);
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => deliver(event, i % 2 === 0 ? app : second)),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
      expect(await purchasesOf(world, ada)).toMatchObject([
        { id: `grant:${fundsBucketOf(ada.user)}:purchased:${session.id}`, granted: TEN, left: TEN },
      ]);
      expect((await deliver(event)).status).toBe(200);
      expect(await world.app.left(ada)).toBe(TEN);
      expect(await payments(ada)).toMatchObject([{ state: "paid", taken_back_nano_usd: "0" }]);
      expect(
        world.lines.filter(({ event: name }) => name === "payment_paid").length,
      ).toBeLessThanOrEqual(1);
      expect(await app.state(ada)).toEqual(AT_REST);
      await expectBalanced(world);
    });

    test("money that comes days later is credited when it comes", async () => {
      const world = await open();
      const { account, deliver, ada, checkout, payments } = world;
      const session = await checkout(ada, "10");
      await deliver(account.payLater(session));
      expect(await payments(ada)).toMatchObject([{ state: "processing" }]);
      expect(await world.app.left(ada)).toBe(0n);
      await deliver(account.arrive(session));
      expect(await payments(ada)).toMatchObject([{ state: "paid" }]);
      expect(await world.app.left(ada)).toBe(TEN);
      await expectBalanced(world);
    });

    test("in whichever order events come, a payment ends in the same state with the same money", async () => {
      const world = await open();
      const { account, deliver, ada, checkout } = world;
      const paid = async () => {
        const session = await checkout(ada, "10");
        const events = [account.payLater(session), account.arrive(session)];
        return { events, state: "paid", left: TEN };
      };
      const failed = async () => {
        const session = await checkout(ada, "10");
        const events = [account.payLater(session), account.failToArrive(session)];
        return { events, state: "failed", left: 0n };
      };
      const expired = async () => {
        const session = await checkout(ada, "10");
        return { events: [account.expire(session)], state: "expired", left: 0n };
      };
      const refunded = async () => {
        const session = await checkout(ada, "10");
        const events = [account.payLater(session), account.arrive(session)];
        events.push(account.refund(session, 300).event, account.refund(session, 200).event);
        return { events, state: "paid", left: TEN / 2n };
      };
      const notRefunded = async () => {
        const session = await checkout(ada, "10");
        const events = [account.pay(session)];
        const { refund, event } = account.refund(session, 300, "pending");
        events.push(event, account.failRefund(refund));
        return { events, state: "paid", left: TEN };
      };
      const disputed = async () => {
        const session = await checkout(ada, "10");
        const { dispute, event } = account.dispute(session);
        return {
          events: [account.pay(session), event, account.closeDispute(dispute, "lost")],
          state: "paid",
          left: 0n,
        };
      };
      for (const story of [paid, failed, expired, refunded, notRefunded, disputed]) {
        const count = permutations((await story()).events).length;
        for (let i = 0; i < count; i++) {
          const { events, state, left } = await story();
          const order = permutations(events)[i] ?? [];
          const before = await world.app.left(ada);
          for (const event of order) expect((await deliver(event)).status).toBe(200);
          for (const event of order) expect((await deliver(event)).status).toBe(200);
          const [newest] = await world.payments(ada);
          const gained = (await world.app.left(ada)) - before;
          const told = { story: story.name, order: order.map(({ type }) => type) };
          expect({ ...told, state: newest?.state, gained }).toEqual({
            ...told,
            state,
            gained: left,
          });
        }
      }
      await expectBalanced(world);
    }, 60_000);

    test("the paid event and its refund at the same moment leave nothing to spend", async () => {
      const world = await open();
      const { account, deliver, ada, checkout } = world;
      for (let round = 0; round < 10; round++) {
        const session = await checkout(ada, "10");
        const events = [
          account.pay(session),
          account.refund(session, 600).event,
          account.refund(session, 400).event,
        ];
        await Promise.all([...events, ...events].map((event) => deliver(event)));
      }
      expect(await world.app.left(ada)).toBe(0n);
      for (const payment of await world.payments(ada)) {
        expect(payment).toMatchObject({
          state: "paid",
          taken_back_nano_usd: String(TEN),
          lost_nano_usd: "0",
          outstanding_nano_usd: "0",
        });
      }
      await expectBalanced(world);
    });
  });
}

function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, i) =>
    permutations(items.filter((_, other) => other !== i)).map((rest) => [item, ...rest]),
  );
}
