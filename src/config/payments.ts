/** Settings for selling credit. */
import { z } from "zod";
import { type NanoUsd, nanoUsd, parseUsd } from "../kernel/money.js";
import { toCents } from "../ledger/payment.js";
import { type Environment, keyMistake, readKey } from "./secrets.js";

export type PaymentSettings = {
  /** What one purchase may be, in whole cents. */
  readonly minAmount: NanoUsd;
  readonly maxAmount: NanoUsd;
  readonly stripe: StripeSettings;
};

export type StripeSettings = {
  /** Stripe's own, or a stand-in's for tests; no path. */
  readonly baseUrl: string;
  /** Never to be logged or shown. */
  readonly secretKey: string | undefined;
  readonly webhookSecret: string | undefined;
  /** Where the buyer goes after paying, or instead of it; undefined: back to the front page. */
  readonly successUrl: string | undefined;
  readonly cancelUrl: string | undefined;
};

export const STRIPE_KEY_VARIABLE = "STRIPE_SECRET_KEY";
export const STRIPE_WEBHOOK_VARIABLE = "STRIPE_WEBHOOK_SECRET";
const STRIPE_ORIGIN = "https://api.stripe.com";

/** Source: Stripe's currencies page, minimum and maximum charge amounts for USD, read 2026-11. */
const CHARGE_MIN = nanoUsd(500_000_000n);
const CHARGE_MAX = nanoUsd(999_999_990_000_000n);

const amount = z.string().transform((text, context) => {
  const value = parseUsd(text);
  const isCharge = value !== undefined && value >= CHARGE_MIN && value <= CHARGE_MAX;
  if (isCharge && toCents(value) !== undefined) return value;
  context.addIssue({
    code: "custom",
    message: `expected dollars and whole cents as decimal text from "0.50" to "999999.99", not "${text}"`,
  });
  return z.NEVER;
});

const webUrl = z.url({ protocol: /^https?$/, error: "expected an http or https URL" });

export const paymentsSchema = z.strictObject({
  min_amount: amount.optional(),
  max_amount: amount.optional(),
  stripe: z
    .strictObject({
      secret_key: z.string().min(1).optional(),
      webhook_secret: z.string().min(1).optional(),
      success_url: webUrl.optional(),
      cancel_url: webUrl.optional(),
      base_url: webUrl
        .refine((url) => new URL(url).pathname === "/", "expected a URL without a path")
        .optional(),
    })
    .default({}),
});

type Written = z.output<typeof paymentsSchema>;

const DEFAULT_MIN = nanoUsd(5_000_000_000n);
const DEFAULT_MAX = nanoUsd(1_000_000_000_000n);

/** What is wrong with the settings as a whole, and at which of their keys. */
export function paymentsMistake(
  { stripe, min_amount, max_amount }: Written,
  mayBeLiteral: boolean,
): { readonly path: readonly string[]; readonly message: string } | undefined {
  for (const [key, variable] of [
    ["secret_key", STRIPE_KEY_VARIABLE],
    ["webhook_secret", STRIPE_WEBHOOK_VARIABLE],
  ] as const) {
    const message = keyMistake(stripe[key], variable, mayBeLiteral);
    if (message !== undefined) return { path: ["stripe", key], message };
  }
  if ((min_amount ?? DEFAULT_MIN) <= (max_amount ?? DEFAULT_MAX)) return undefined;
  const key = max_amount === undefined ? "min_amount" : "max_amount";
  return { path: [key], message: "min_amount is above max_amount (5.00 and 1000.00 by default)" };
}

export function paymentsOf(
  { min_amount, max_amount, stripe }: Written,
  file: string,
  env: Environment,
  warnings: string[],
): PaymentSettings {
  const key = (name: "secret_key" | "webhook_secret", variable: string): string | undefined =>
    readKey(stripe[name], env, (unset) =>
      warnings.push(`${file}: payments.stripe.${name}: ${unset} is not set; nobody can buy credit`),
    ) ??
    (env[variable] || undefined);
  return {
    minAmount: min_amount ?? DEFAULT_MIN,
    maxAmount: max_amount ?? DEFAULT_MAX,
    stripe: {
      baseUrl: stripe.base_url ?? STRIPE_ORIGIN,
      secretKey: key("secret_key", STRIPE_KEY_VARIABLE),
      webhookSecret: key("webhook_secret", STRIPE_WEBHOOK_VARIABLE),
      successUrl: stripe.success_url,
      cancelUrl: stripe.cancel_url,
    },
  };
}
