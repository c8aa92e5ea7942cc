/** The effective configuration: flags beat environment beats `turnpike.yaml` beats defaults. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { CatalogSources } from "../catalog/catalog.js";
import { type HardwarePrices, modelSchema, toModel } from "../catalog/entry.js";
import type { Model, Price } from "../catalog/model.js";
import starter from "../catalog/starter.json";
import { defaultLimits, type Limits } from "../kernel/limits.js";
import { ZERO } from "../kernel/money.js";
import { priceFault } from "../metering/priceable.js";
import * as providersById from "../providers/all.js";
import { openAiCompatible } from "../providers/openai-compatible.js";
import type { BillingEndpoint, Provider } from "../providers/provider.js";
import { believing } from "../providers/reported.js";
import type { PolicyName } from "../routing/policy.js";
import { builtInPlans, type Plan, planOf } from "../tenants/plan.js";
import { readRates } from "../tenants/rates.js";
import { parseMasterKey } from "../tenants/sealing.js";
import {
  type RegistrationSettings,
  registrationOf,
  type ValidationSettings,
  validationOf,
} from "./hub.js";
import { type PaymentSettings, paymentsOf } from "./payments.js";
import { ConfigError, readConfigText } from "./read-file.js";
import { snakeCase, type WrittenConfig } from "./schema.js";
import { type Environment, readKey } from "./secrets.js";

export type Config = {
  readonly host: string;
  readonly port: number;
  readonly dataFolder: string;
  readonly databaseUrl: string | undefined;
  readonly workers: number;
  readonly durability: "relaxed" | "strict";
  /** 64 hex characters; undefined: the one in the data folder. */
  readonly secret: string | undefined;
  readonly ownerToken: string | undefined;
  readonly limits: Limits;
  readonly retention: Retention;
  /** For requests that name none. */
  readonly defaultPolicy: PolicyName;
  /** Whether another provider may go on with a stream that broke off, where its caller does not say. */
  readonly allowsContinuation: boolean;
  readonly plans: ReadonlyMap<string, Plan>;
  readonly providers: ReadonlyMap<string, ProviderSettings>;
  /** What a second of each kind of hardware costs. */
  readonly hardware: HardwarePrices;
  /** The built-in provider; undefined where it is switched off. */
  readonly embedded: { readonly price: Price } | undefined;
  readonly models: CatalogSources;
  readonly payments: PaymentSettings;
  readonly registration: RegistrationSettings;
  readonly validation: ValidationSettings;
  /** What the operator should know but need not act on. */
  readonly warnings: readonly string[];
};

/** How long what is kept, in days; the ledger is kept for ever. */
export type Retention = {
  readonly requestDays: number;
  /** Usage by the hour; after that, by the day. */
  readonly hourlyUsageDays: number;
  /** Usage by the day, in whole months; undefined: for ever. */
  readonly usageDays: number | undefined;
};

export type ProviderSettings = {
  readonly provider: Provider;
  readonly baseUrl: string;
  readonly key: string | undefined;
  readonly billing?: BillingEndpoint;
};

export type Flags = {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly data?: string | undefined;
  readonly config?: string | undefined;
};

export const builtInProviders: readonly Provider[] = Object.values(providersById);

export function loadConfig(flags: Flags, env: Environment): Config {
  const { written, file } = findFile(flags, env);
  const own = written.models.map((entry) => toModel(entry, file, written.hardware));
  const warnings: string[] = [...uncharged(own, file)];
  return {
    host: flags.host ?? (env.TURNPIKE_HOST || written.host) ?? "127.0.0.1",
    port: flags.port ?? wholeNumber(env, "TURNPIKE_PORT", 0, 65_535) ?? written.port ?? 7070,
    dataFolder: resolve(flags.data ?? (env.TURNPIKE_DATA || written.data) ?? ".turnpike"),
    databaseUrl: databaseUrl(env) ?? written.database_url,
    workers: wholeNumber(env, "TURNPIKE_WORKERS", 1, 64) ?? written.workers ?? 1,
    durability: written.durability ?? "relaxed",
    secret: secret(env),
    ownerToken: ownerToken(env),
    limits: limitsOf(written),
    retention: retentionOf(written),
    defaultPolicy: written.routing.default_policy,
    allowsContinuation: written.routing.allow_continuation,
    plans: plansOf(written),
    providers: providersOf(written, file, env, warnings),
    hardware: written.hardware,
    embedded: embeddedOf(written),
    models: {
      starter: starter.models.map((entry) => toModel(modelSchema.parse(entry), "starter catalog")),
      file: own,
      renames: Object.entries(written.renamed_models).map(([from, to]) => ({ from, to })),
    },
    registration: registrationOf(written.registration),
    validation: validationOf(written.validation),
    payments: paymentsOf(written.payments, file, env, warnings),
    warnings,
  };
}

function findFile(flags: Flags, env: Environment): { written: WrittenConfig; file: string } {
  const named = flags.config ?? (env.TURNPIKE_CONFIG || undefined);
  const file = named ?? "turnpike.yaml";
  if (!existsSync(file)) {
    if (named !== undefined)
      throw new ConfigError(`The configuration file ${file} does not exist.`);
    return { written: readConfigText("", file), file };
  }
  return { written: readConfigText(readFileSync(file, "utf8"), file), file };
}

/** Here and below, an empty variable is as good as none. */
function wholeNumber(
  env: Environment,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new ConfigError(`${name}: expected a whole number from ${least} to ${most}, not "${text}"`);
}

function secret({ TURNPIKE_SECRET: text }: Environment): string | undefined {
  if (text === undefined || text === "") return undefined;
  if (parseMasterKey(text)) return text;
  throw new ConfigError("TURNPIKE_SECRET: expected 64 hex characters");
}

function databaseUrl({ DATABASE_URL: url }: Environment): string | undefined {
  if (url === undefined || url === "") return undefined;
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new ConfigError("DATABASE_URL: expected postgres://…");
  return url;
}

const OWNER_TOKEN_CHARS_MIN = 16;

function ownerToken({ TURNPIKE_OWNER_TOKEN: token }: Environment): string | undefined {
  if (token === undefined || token === "") return undefined;
  if (token.length < OWNER_TOKEN_CHARS_MIN || !/^[\x21-\x7e]+$/.test(token)) {
    throw new ConfigError(
      `TURNPIKE_OWNER_TOKEN: expected at least ${OWNER_TOKEN_CHARS_MIN} printable characters without spaces`,
    );
  }
  return token;
}

/** Offers that only callers with a key of their own can use, for want of a price. */
const uncharged = (models: readonly Model[], file: string): string[] =>
  models.flatMap(({ mappings }) =>
    mappings.flatMap(({ modelId, task, provider, price, isFree }) => {
      const fault = isFree ? undefined : priceFault(task, price);
      if (fault === undefined) return [];
      return `${file}: models: ${modelId} by ${provider} ${fault}; it is for callers with a key of their own only`;
    }),
  );

const embeddedOf = ({ embedded }: WrittenConfig): Config["embedded"] =>
  embedded.enabled ? { price: { compute_second: embedded.compute_second } } : undefined;

const retentionOf = ({ retention }: WrittenConfig): Retention => ({
  requestDays: retention.request_days,
  hourlyUsageDays: retention.hourly_usage_days,
  usageDays: retention.usage_days === "forever" ? undefined : retention.usage_days,
});

function limitsOf(written: WrittenConfig): Limits {
  const chosen: Readonly<Record<string, number | undefined>> = written.limits;
  const entries = Object.entries(defaultLimits).map(([name, preset]) => [
    name,
    chosen[snakeCase(name)] ?? preset,
  ]);
  return Object.fromEntries(entries);
}

function plansOf(written: WrittenConfig): ReadonlyMap<string, Plan> {
  const plans = new Map(builtInPlans.map((plan) => [plan.name, plan]));
  for (const [name, plan] of Object.entries(written.plans)) {
    const fields = {
      monthlyCredit: plan.monthly_credit ?? ZERO,
      monthlyCreditPerSeat: plan.monthly_credit_per_seat ?? ZERO,
      extraUsage: plan.extra_usage,
      spendingLimit: plan.spending_limit ?? ZERO,
      spendingLimitMax: plan.spending_limit_max,
      price: plan.price ?? ZERO,
      pricePerSeat: plan.price_per_seat ?? ZERO,
      rates: readRates(plan),
    };
    plans.set(name, planOf(name, fields));
  }
  return plans;
}

function providersOf(
  written: WrittenConfig,
  file: string,
  env: Environment,
  warnings: string[],
): ReadonlyMap<string, ProviderSettings> {
  const settings = new Map<string, ProviderSettings>();
  for (const provider of builtInProviders) {
    const key = env[provider.keyVariable ?? ""] || undefined;
    settings.set(provider.id, { provider, baseUrl: provider.origin, key });
  }
  for (const [id, entry] of Object.entries(written.providers)) {
    if (!entry.enabled) {
      settings.delete(id);
      continue;
    }
    const key = readKey(entry.api_key, env, (name) =>
      warnings.push(`${file}: providers.${id}.api_key: ${name} is not set; ${id} has no key`),
    );
    const known = settings.get(id);
    const baseUrl = entry.base_url ?? known?.baseUrl ?? "";
    const entered = entry.type ? openAiCompatible(id, baseUrl) : known?.provider;
    if (!entered) continue;
    const provider = settingsOf(entered, entry);
    const billing = entry.billing && { billing: billingOf(entry.billing, provider) };
    settings.set(id, { provider, baseUrl, key: key ?? known?.key, ...billing });
  }
  return settings;
}

/** A provider with what the operator says of it. */
function settingsOf(
  provider: Provider,
  {
    reported_cost: reader,
    retains_prompts: retainsPrompts,
    continuation,
  }: WrittenConfig["providers"][string],
): Provider {
  const told = {
    ...provider,
    ...(retainsPrompts !== undefined && { retainsPrompts }),
    ...(continuation && { continuation }),
  };
  return reader ? believing(told, reader) : told;
}

/** What the providers that tell costs afterwards were asked to call the header. */
const REQUEST_ID_HEADER = "inference-id";

const billingOf = (
  written: NonNullable<WrittenConfig["providers"][string]["billing"]>,
  provider: Provider,
): BillingEndpoint => ({
  url: written.url,
  requestIdHeader: written.request_id_header ?? provider.requestIdHeader ?? REQUEST_ID_HEADER,
  delayMs: written.delay_seconds * 1_000,
});
