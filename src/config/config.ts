/** The effective configuration: flags beat environment beats `turnpike.yaml` beats defaults. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { CatalogSources } from "../catalog/catalog.js";
import { type HardwarePrices, modelSchema, toModel } from "../catalog/entry.js";
import type { Model, Price } from "../catalog/model.js";
import starter from "../catalog/starter.json";
import { defaultLimits, type Limits, WORKERS_MAX } from "../kernel/limits.js";
import { ZERO } from "../kernel/money.js";
import { priceFault } from "../metering/priceable.js";
import type { PolicyName } from "../routing/policy.js";
import { builtInPlans, type Plan, planOf } from "../tenants/plan.js";
import { readRates } from "../tenants/rates.js";
import { databaseUrl, ownerToken, secret, wholeNumber } from "./environment.js";
import {
  type RegistrationSettings,
  registrationOf,
  type ValidationSettings,
  validationOf,
} from "./hub.js";
import { type PaymentSettings, paymentsOf } from "./payments.js";
import { type ProviderSettings, providersOf } from "./providers.js";
import { ConfigError, readConfigText } from "./read-file.js";
import { snakeCase, type WrittenConfig } from "./schema.js";
import type { Environment } from "./secrets.js";

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

export type Flags = {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly workers?: number | undefined;
  readonly data?: string | undefined;
  readonly config?: string | undefined;
};

/**
 * Reads the file and the environment. Throws `ConfigError` with file and line, or the variable, for whatever is
 * wrong.
 */
export function loadConfig(flags: Flags, env: Environment): Config {
  const { written, file } = findFile(flags, env);
  const own = written.models.map((entry) => toModel(entry, file, written.hardware));
  const warnings: string[] = [...uncharged(own, file)];
  return {
    host: flags.host ?? (env.TURNPIKE_HOST || written.host) ?? "127.0.0.1",
    port: flags.port ?? wholeNumber(env, "TURNPIKE_PORT", 0, 65_535) ?? written.port ?? 7070,
    dataFolder: resolve(flags.data ?? (env.TURNPIKE_DATA || written.data) ?? ".turnpike"),
    databaseUrl: databaseUrl(env) ?? written.database_url,
    workers:
      flags.workers ?? wholeNumber(env, "TURNPIKE_WORKERS", 1, WORKERS_MAX) ?? written.workers ?? 1,
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
