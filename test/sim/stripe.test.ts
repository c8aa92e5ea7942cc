/** The stand-in does what Stripe does, as far as the official package can tell. */
import { afterAll, expect, test } from "bun:test";
import Stripe from "stripe";
import { type StripeSim, startStripe } from "../../sim/stripe/server.js";

const SECRET_KEY = "sk_test_of_the_stand_in";
const WEBHOOK_SECRET = "whsec_of_the_stand_in";

const sim: StripeSim = startStripe({ secretKey: SECRET_KEY, webhookSecret: WEBHOOK_SECRET });
afterAll(() => sim.stop());

const clientWith = (key: string): Stripe =>
  new Stripe(key, {
    host: "127.0.0.1",
    port: Number(new URL(sim.origin).port),
    protocol: "http",
    maxNetworkRetries: 0,
    telemetry: false,
  });
const client = clientWith(SECRET_KEY);

const WANTED: Stripe.Checkout.SessionCreateParams = {
  mode: "payment",
  success_url: "https://shop.test/thanks",
  line_items: [
    {
      quantity: 1,
      price_data: { currency: "usd", unit_amount: 1_000, product_data: { name: "Credit" } },
    },
  ],
};

/** What the package throws. */
const refusal = async (
  params: Partial<Stripe.Checkout.SessionCreateParams>,
): Promise<Partial<InstanceType<typeof Stripe.errors.StripeError>>> => {
  try {
    await client.checkout.sessions.create({ ...WANTED, ...params });
  } catch (thrown) {
    if (thrown instanceof Stripe.errors.StripeError) return thrown;
  }
  throw new Error("it was not refused");
};

test("a checkout session has the members that the package's types promise", async () => {
  const session = await client.checkout.sessions.create({ ...WANTED, client_reference_id: "p1" });
  expect(session).toMatchObject({
    object: "checkout.session",
    amount_total: 1_000,
    currency: "usd",
    client_reference_id: "p1",
    payment_intent: null,
    payment_status: "unpaid",
    status: "open",
  });
  expect(session.url).toEndWith(`/${session.id}`);
  expect(session.expires_at - session.created).toBe(86_400);
});

test("the same idempotency key makes one session, and is for one form only", async () => {
  const options = { idempotencyKey: "once" };
  const first = await client.checkout.sessions.create(WANTED, options);
  expect((await client.checkout.sessions.create(WANTED, options)).id).toBe(first.id);
  const other = { ...WANTED, success_url: "https://shop.test/other" };
  await expect(client.checkout.sessions.create(other, options)).rejects.toMatchObject({
    type: "StripeIdempotencyError",
  });
});

test("what Stripe refuses is refused, with Stripe's code and the parameter's name", async () => {
  const item = (cents: number): Partial<Stripe.Checkout.SessionCreateParams> => ({
    line_items: [
      {
        quantity: 1,
        price_data: { currency: "usd", unit_amount: cents, product_data: { name: "Credit" } },
      },
    ],
  });
  const now = Math.floor(Date.now() / 1_000);
  const unknown = { colour: "red" } as Partial<Stripe.Checkout.SessionCreateParams>;
  const amount = "line_items[0][price_data][unit_amount]";
  const table: readonly [Partial<Stripe.Checkout.SessionCreateParams>, string, string][] = [
    [item(49), "amount_too_small", amount],
    [item(100_000_000), "amount_too_large", amount],
    [item(10.5), "parameter_invalid_integer", amount],
    [{ success_url: "thanks" }, "url_invalid", "success_url"],
    [{ expires_at: now + 60 }, "parameter_invalid_integer", "expires_at"],
    [{ expires_at: now + 90_000 }, "parameter_invalid_integer", "expires_at"],
    [{ line_items: [] }, "parameter_missing", "line_items[0][price_data][currency]"],
    [unknown, "parameter_unknown", "colour"],
  ];
  for (const [params, code, param] of table) {
    expect(await refusal(params)).toMatchObject({
      type: "StripeInvalidRequestError",
      statusCode: 400,
      code,
      param,
    });
  }
  await expect(clientWith("sk_test_other").checkout.sessions.create(WANTED)).rejects.toMatchObject({
    type: "StripeAuthenticationError",
    statusCode: 401,
  });
});

test("an event is signed as the package would sign it, and the package finds the signature good", async () => {
  const session = sim.account.sessionAt((await client.checkout.sessions.create(WANTED)).url ?? "");
  const event = sim.account.pay(session);
  const at = Date.now();
  const { body, signature } = sim.sign(event, WEBHOOK_SECRET, at);
  const theirs = await Stripe.webhooks.generateTestHeaderStringAsync({
    payload: body,
    secret: WEBHOOK_SECRET,
    timestamp: Math.floor(at / 1_000),
  });
  expect(signature).toBe(theirs);
  const read = await Stripe.webhooks.constructEventAsync(body, signature, WEBHOOK_SECRET);
  expect(read.type).toBe("checkout.session.completed");
});

test("nothing happens in an account that could not happen", async () => {
  const session = sim.account.sessionAt((await client.checkout.sessions.create(WANTED)).url ?? "");
  sim.account.pay(session);
  expect(() => sim.account.pay(session)).toThrow("is complete");
  expect(() => sim.account.expire(session)).toThrow("is complete");
  sim.account.refund(session, 600);
  expect(() => sim.account.refund(session, 401)).toThrow("more than was paid");
});
