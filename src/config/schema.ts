/** The written form of the configuration, `turnpike.yaml`. */
import { z } from "zod";
import { modelId, modelSchema, pricePerUnit } from "../catalog/entry.js";
import { nearest } from "../catalog/nearest.js";
import {
  BILLING_DELAY_SECONDS_MAX,
  defaultLimits,
  type Limits,
  RATE_MAX,
  RETENTION_DAYS_MAX,
  WORKERS_MAX,
} from "../kernel/limits.js";
import * as providersById from "../providers/all.js";
import { COST_READERS, type CostReaderName } from "../providers/reported.js";
import { POLICIES } from "../routing/policy.js";
import { CONTINUATION_FORMS } from "../tasks/chat-completion.js";
import { EXTRA_USAGE } from "../tenants/plan.js";
import { RATE_FIELDS } from "../tenants/rates.js";
import { dollars } from "./dollars.js";
import { registrationSchema, validationSchema } from "./hub.js";
import { paymentsMistake, paymentsSchema } from "./payments.js";
import { keyMistake } from "./secrets.js";

const builtInIds = new Set<string>(Object.values(providersById).map(({ id }) => id));

/** First segments of our own paths, which no provider may be called. */
export const RESERVED_IDS: readonly string[] = [
  "v1",
  "api",
  "models",
  "docs",
  "settings",
  "healthz",
  "readyz",
  "metrics",
  "assets",
  "embedded",
];

const httpUrl = z.url({ protocol: /^https?$/, error: "expected an http or https URL" });

/** Where a provider tells costs afterwards, by the ids in the named header of its answers. */
const billingSchema = z.strictObject({
  url: httpUrl,
  request_id_header: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, "expected the name of a header")
    .transform((name) => name.toLowerCase())
    .optional(),
  delay_seconds: z.int().min(0).max(BILLING_DELAY_SECONDS_MAX).default(0),
});

const providerSchema = z.strictObject({
  type: z.literal("openai-compatible").optional(),
  api_key: z.string().min(1).optional(),
  base_url: httpUrl.transform((url) => url.replace(/\/+$/, "")).optional(),
  enabled: z.boolean().default(true),
  retains_prompts: z.boolean().optional(),
  continuation: z.enum(CONTINUATION_FORMS).optional(),
  reported_cost: z.enum(Object.keys(COST_READERS) as CostReaderName[]).optional(),
  billing: billingSchema.optional(),
});

export const PROVIDER_ID = /^[a-z0-9][a-z0-9-]{0,39}$/;
export const PROVIDER_ID_RULE = "a provider's id is lower-case letters, digits and dashes";

const providerId = z
  .string()
  .regex(PROVIDER_ID, PROVIDER_ID_RULE)
  .refine((id) => !RESERVED_IDS.includes(id), "this name is taken by one of Turnpike's own paths");

const rate = z.int().min(1).max(RATE_MAX).optional();

const planSchema = z
  .strictObject({
    [RATE_FIELDS.requests]: rate,
    [RATE_FIELDS.tokens]: rate,
    [RATE_FIELDS.concurrent]: rate,
    monthly_credit: dollars.optional(),
    monthly_credit_per_seat: dollars.optional(),
    extra_usage: z.enum(EXTRA_USAGE).default("none"),
    spending_limit: dollars.optional(),
    spending_limit_max: dollars.optional(),
    price: dollars.optional(),
    price_per_seat: dollars.optional(),
  })
  .superRefine((plan, context) => {
    const { spending_limit: preset, spending_limit_max: most } = plan;
    const complain = (field: string, message: string) =>
      context.addIssue({ code: "custom", path: [field], message });
    if (preset !== undefined && plan.extra_usage !== "pay_as_you_go") {
      complain("spending_limit", "needs extra_usage: pay_as_you_go");
    }
    if (most !== undefined && (preset ?? 0n) > most) {
      complain("spending_limit", "is above spending_limit_max");
    }
  });

const limitNames = Object.keys(defaultLimits) as (keyof Limits)[];

/** `firstByteMs` is written `first_byte_ms`. */
export const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Where 0 switches something off. */
const MAY_BE_OFF: readonly (keyof Limits)[] = ["slowStreamBytesPerSecond", "hedgeAfterMs"];

const leastOf = (name: keyof Limits): number => (MAY_BE_OFF.includes(name) ? 0 : 1);

const limitsSchema = z.strictObject(
  Object.fromEntries(
    limitNames.map((name) => [snakeCase(name), z.int().min(leastOf(name)).optional()]),
  ),
);

/** The built-in provider, and what a second of it costs. */
const embeddedSchema = z.strictObject({
  enabled: z.boolean().default(true),
  compute_second: pricePerUnit.prefault("0.00012"),
});

const routingSchema = z.strictObject({
  default_policy: z.enum(POLICIES).default("fastest"),
  allow_continuation: z.boolean().default(false),
});

const days = z.int().min(1).max(RETENTION_DAYS_MAX);

const retentionSchema = z
  .strictObject({
    request_days: days.default(90),
    hourly_usage_days: days.default(60),
    usage_days: z
      .union([days, z.literal("forever")], `expected days or "forever"`)
      .default("forever"),
  })
  .superRefine(({ hourly_usage_days: hourly, usage_days: all }, context) => {
    if (all === "forever" || all >= hourly) return;
    const message = `is less than hourly_usage_days, which is ${hourly}`;
    context.addIssue({ code: "custom", path: ["usage_days"], message });
  });

const writtenSchema = z.strictObject({
  host: z.string().min(1).optional(),
  port: z.int().min(0).max(65_535).optional(),
  data: z.string().min(1).optional(),
  database_url: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "expected postgres://…")
    .optional(),
  workers: z.int().min(1).max(WORKERS_MAX).optional(),
  durability: z.enum(["relaxed", "strict"]).optional(),
  allow_literal_keys: z.boolean().default(false),
  providers: z.record(providerId, providerSchema).default({}),
  hardware: z.record(z.string().min(1), pricePerUnit).default({}),
  embedded: embeddedSchema.prefault({}),
  models: z.array(modelSchema).default([]),
  /** From a model's former id to the one it goes by. */
  renamed_models: z.record(modelId, modelId).default({}),
  plans: z.record(z.string().regex(/^[a-z][a-z0-9-]*$/), planSchema).default({}),
  limits: limitsSchema.default({}),
  payments: paymentsSchema.prefault({}),
  retention: retentionSchema.prefault({}),
  registration: registrationSchema.prefault({}),
  validation: validationSchema.prefault({}),
  routing: routingSchema.prefault({}),
});

export const configSchema = writtenSchema.superRefine((written, context) => {
  for (const [id, entry] of Object.entries(written.providers)) {
    const [key, message] = mistakeIn(id, entry, written.allow_literal_keys) ?? [];
    if (message === undefined) continue;
    context.addIssue({
      code: "custom",
      path: ["providers", id, ...(key ? [key] : [])],
      message,
    });
  }
  for (const mistake of [...strangeProviders(written), ...strangeHardware(written)]) {
    context.addIssue({ code: "custom", ...mistake });
  }
  const mistake = paymentsMistake(written.payments, written.allow_literal_keys);
  if (mistake) {
    const { path, message } = mistake;
    context.addIssue({ code: "custom", path: ["payments", ...path], message });
  }
});

/** Registered providers are none of this file's: what they offer is in the store. */
function* strangeProviders({ models, providers: own }: z.output<typeof writtenSchema>) {
  const known = [...builtInIds, ...Object.keys(own), "embedded"];
  for (const [i, { providers }] of models.entries()) {
    for (const [j, { provider }] of providers.entries()) {
      if (known.includes(provider)) continue;
      const [meant] = nearest(provider, known);
      const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
      yield {
        path: ["models", i, "providers", j, "provider"],
        message: `no provider "${provider}" is built in or under "providers:"${hint}`,
      };
    }
  }
}

/** A price per second of hardware that nobody gave a price is no price. */
function* strangeHardware({ models, hardware }: z.output<typeof writtenSchema>) {
  for (const [i, { providers }] of models.entries()) {
    for (const [j, { price }] of providers.entries()) {
      if (price?.hardware === undefined || price.compute_second !== undefined) continue;
      if (Object.hasOwn(hardware, price.hardware)) continue;
      yield {
        path: ["models", i, "providers", j, "price", "hardware"],
        message: `"${price.hardware}" has no price: name it under "hardware:", or give a compute_second here`,
      };
    }
  }
}

type ProviderEntry = z.output<typeof providerSchema>;

/** What is wrong with a provider's entry as a whole, and at which of its keys. */
function mistakeIn(
  id: string,
  { enabled, type, base_url, api_key }: ProviderEntry,
  mayBeLiteral: boolean,
): readonly [key: string, message: string] | undefined {
  if (!enabled) return undefined;
  if (type === undefined && !builtInIds.has(id)) {
    return [
      "",
      'no built-in provider has this name; for a server of your own add "type: openai-compatible"',
    ];
  }
  if (type !== undefined && base_url === undefined) {
    return ["", "an openai-compatible provider needs a base_url"];
  }
  const variable = `${id.toUpperCase().replaceAll("-", "_")}_API_KEY`;
  const message = keyMistake(api_key, variable, mayBeLiteral);
  return message === undefined ? undefined : ["api_key", message];
}

export type WrittenConfig = z.output<typeof writtenSchema>;
