/** A Turnpike that sells credit through the Stripe stand-in, with the real `stripe` package in between. */
import type { Session, StripeEvent } from "../../sim/stripe/objects.js";
import { startStripe } from "../../sim/stripe/server.js";
import {
  call,
  recordingLog,
  type TestApp,
  type TestAppOptions,
  type TestUser,
  testApp,
} from "./app.js";

export const SECRET_KEY = "sk_test_SECRET_of_the_shop";
export const WEBHOOK_SECRET = "whsec_SECRET_of_the_hook";
export const HOOK = "/api/turnpike/webhooks/stripe";
export const CHECKOUT = "/api/turnpike/me/checkout";
export const PAYMENTS = "/api/turnpike/me/payments";

export const stripeSettings = (origin: string) => ({ stripe: { base_url: origin } });

export const shopYaml = (origin: string): string =>
  JSON.stringify({ payments: stripeSettings(origin) });

export const STRIPE_ENV = {
  STRIPE_SECRET_KEY: SECRET_KEY,
  STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
};

export type Printed = Readonly<Record<string, string>>;

export type ShopOptions = Omit<TestAppOptions, "yaml"> & {
  /** The turnpike.yaml, given where the stand-in is. */
  readonly yamlFor?: (stripeOrigin: string) => string;
};

export async function openShop(options: ShopOptions = {}) {
  const now = options.clock?.now ?? Date.now;
  const stripe = startStripe({ secretKey: SECRET_KEY, webhookSecret: WEBHOOK_SECRET, now });
  const { log, lines } = recordingLog();
  const yaml = (options.yamlFor ?? shopYaml)(stripe.origin);
  const app = await testApp({ env: STRIPE_ENV, log, ...options, yaml });

  /** Delivers an event as Stripe would. */
  const deliver = async (event: StripeEvent | string, to: TestApp = app) => {
    const { body, signature } = stripe.sign(event);
    const headers = { "stripe-signature": signature, "content-type": "application/json" };
    const response = await to.answer(call("POST", HOOK, undefined, body, headers));
    return { status: response.status, body: await response.json() };
  };

  return {
    app,
    stripe,
    account: stripe.account,
    lines,
    deliver,
    /** Asks for a checkout and goes to its page. */
    checkout: async ({ token }: TestUser, amount: string): Promise<Session> => {
      const response = await app.answer(call("POST", CHECKOUT, token, { amount }));
      const body = await response.json();
      if (response.status !== 201) throw new Error(JSON.stringify(body));
      return stripe.account.sessionAt(body.url);
    },
    payments: async ({ token }: TestUser): Promise<readonly Printed[]> =>
      (await (await app.answer(call("GET", PAYMENTS, token))).json()).payments,
    stop: async (): Promise<void> => {
      await app.stop();
      stripe.stop();
    },
  };
}

export type Shop = Awaited<ReturnType<typeof openShop>>;
