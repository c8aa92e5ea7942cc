/** What Stripe says to a checkout session that is asked for: the session, or what is wrong with the form. */
import { type Form, formNames, formValue } from "./form.js";

export type Wanted = {
  readonly cents: number;
  readonly currency: string;
  readonly reference: string;
  readonly expiresAt: number;
};

export type Refused = {
  readonly code: string;
  readonly param: string;
  readonly message: string;
};

const CENTS_MIN = 50;
const CENTS_MAX = 99_999_999;
const LIFE_MIN_MS = 30 * 60_000;
const LIFE_MAX_MS = 24 * 3_600_000;
/** Times are told in whole seconds, and a request takes a moment. */
const SLACK_MS = 2_000;

const ITEM = "line_items[0]";
const PRICE = `${ITEM}[price_data]`;
const KNOWN: ReadonlySet<string> = new Set([
  "mode",
  "client_reference_id",
  "success_url",
  "cancel_url",
  "expires_at",
  "adaptive_pricing[enabled]",
  `${ITEM}[quantity]`,
  `${PRICE}[currency]`,
  `${PRICE}[unit_amount]`,
  `${PRICE}[product_data][name]`,
]);
const REQUIRED = ["mode", "success_url", `${PRICE}[currency]`, `${PRICE}[unit_amount]`];

export function readWanted(form: Form, now: number): Wanted | Refused {
  const refused = mistakeIn(form, now);
  if (refused) return refused;
  const quantity = Number(formValue(form, `${ITEM}[quantity]`) ?? "1");
  return {
    cents: Number(formValue(form, `${PRICE}[unit_amount]`)) * quantity,
    currency: formValue(form, `${PRICE}[currency]`) ?? "",
    reference: formValue(form, "client_reference_id") ?? "",
    expiresAt: expiryOf(form, now),
  };
}

const expiryOf = (form: Form, now: number): number => {
  const text = formValue(form, "expires_at");
  return text === undefined ? now + LIFE_MAX_MS : Number(text) * 1_000;
};

function mistakeIn(form: Form, now: number): Refused | undefined {
  const unknown = formNames(form).find((name) => !KNOWN.has(name));
  if (unknown) return refusal("parameter_unknown", unknown, "Received unknown parameter");
  const missing = REQUIRED.find((name) => formValue(form, name) === undefined);
  if (missing) return refusal("parameter_missing", missing, "Missing required param");
  const amount = formValue(form, `${PRICE}[unit_amount]`) ?? "";
  if (!/^\d+$/.test(amount)) return refusal("parameter_invalid_integer", `${PRICE}[unit_amount]`);
  if (Number(amount) < CENTS_MIN) return refusal("amount_too_small", `${PRICE}[unit_amount]`);
  if (Number(amount) > CENTS_MAX) return refusal("amount_too_large", `${PRICE}[unit_amount]`);
  for (const name of ["success_url", "cancel_url"]) {
    const url = formValue(form, name);
    if (url !== undefined && !URL.canParse(url)) return refusal("url_invalid", name);
  }
  const life = expiryOf(form, now) - now;
  const isLife = life >= LIFE_MIN_MS - SLACK_MS && life <= LIFE_MAX_MS + SLACK_MS;
  return isLife ? undefined : refusal("parameter_invalid_integer", "expires_at");
}

const refusal = (code: string, param: string, message = "Invalid value"): Refused => ({
  code,
  param,
  message: `${message}: ${param}`,
});
