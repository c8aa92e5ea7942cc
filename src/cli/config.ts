import { stringify } from "yaml";
import { printPrice } from "../catalog/quote.js";
import { type Config, loadConfig } from "../config/config.js";
import type { ProviderSettings } from "../config/providers.js";
import { snakeCase } from "../config/schema.js";
import { MINUTE_MS } from "../kernel/clock.js";
import { formatUsd } from "../kernel/money.js";
import type { BillingEndpoint } from "../providers/provider.js";
import type { Plan } from "../tenants/plan.js";
import { printRates } from "../tenants/rates.js";
import { type CommonOptions, command } from "./command.js";
import { show } from "./output.js";

export const config = command("config", "print the effective configuration, secrets masked").action(
  (options: CommonOptions) => {
    const effective = printable(loadConfig(options, process.env));
    show(options, effective, () => stringify(effective).trimEnd());
  },
);

const MASK = "********";
const masked = (secret: string | undefined): string | null => (secret === undefined ? null : MASK);

/** Without what stands before the host, and without the values of the query: both can be passwords. */
const maskedUrl = (url: string): string =>
  url.replace(/\/\/.*@/, `//${MASK}@`).replace(/=[^&#]*/g, `=${MASK}`);

const maybeMaskedUrl = (url: string | undefined): string | null =>
  url === undefined ? null : maskedUrl(url);

const printable = (from: Config) => ({
  host: from.host,
  port: from.port,
  data: from.dataFolder,
  database_url: maybeMaskedUrl(from.databaseUrl),
  secret: masked(from.secret),
  owner_token: masked(from.ownerToken),
  workers: from.workers,
  durability: from.durability,
  limits: Object.fromEntries(
    Object.entries(from.limits).map(([name, value]) => [snakeCase(name), value]),
  ),
  retention: printableRetention(from.retention),
  routing: {
    default_policy: from.defaultPolicy,
    allow_continuation: from.allowsContinuation,
  },
  plans: Object.fromEntries(
    [...from.plans.values()].map((plan) => [plan.name, printablePlan(plan)]),
  ),
  providers: Object.fromEntries(
    [...from.providers].map(([id, settings]) => [id, printableProvider(settings)]),
  ),
  hardware: printPrice(from.hardware),
  embedded: { enabled: from.embedded !== undefined, ...printPrice(from.embedded?.price ?? {}) },
  payments: printablePayments(from.payments),
  registration: printableRegistration(from.registration),
  validation: printableValidation(from.validation),
  models: {
    own: (from.models.file ?? []).map((model) => model.id),
    starter: from.models.starter?.length ?? 0,
  },
  warnings: from.warnings,
});

const printableRetention = (retention: Config["retention"]) => ({
  request_days: retention.requestDays,
  hourly_usage_days: retention.hourlyUsageDays,
  usage_days: retention.usageDays ?? "forever",
});

const printablePlan = (plan: Plan) => ({
  monthly_credit: formatUsd(plan.monthlyCredit),
  monthly_credit_per_seat: formatUsd(plan.monthlyCreditPerSeat),
  extra_usage: plan.extraUsage,
  spending_limit: formatUsd(plan.spendingLimit),
  ...(plan.spendingLimitMax !== undefined && {
    spending_limit_max: formatUsd(plan.spendingLimitMax),
  }),
  price: formatUsd(plan.price),
  price_per_seat: formatUsd(plan.pricePerSeat),
  ...(plan.rates && printRates(plan.rates)),
});

const printableProvider = ({ baseUrl, key, billing }: ProviderSettings) => ({
  base_url: maskedUrl(baseUrl),
  api_key: masked(key),
  ...(billing && { billing: printableBilling(billing) }),
});

const printableBilling = ({ url, requestIdHeader, delayMs }: BillingEndpoint) => ({
  url: maskedUrl(url),
  request_id_header: requestIdHeader,
  delay_seconds: delayMs / 1_000,
});

const printablePayments = ({ minAmount, maxAmount, stripe }: Config["payments"]) => ({
  min_amount: formatUsd(minAmount),
  max_amount: formatUsd(maxAmount),
  stripe: {
    base_url: maskedUrl(stripe.baseUrl),
    secret_key: masked(stripe.secretKey),
    webhook_secret: masked(stripe.webhookSecret),
    success_url: maybeMaskedUrl(stripe.successUrl),
    cancel_url: maybeMaskedUrl(stripe.cancelUrl),
  },
});

const printableRegistration = (registration: Config["registration"]) => ({
  approval: registration.approval,
  allow_http: registration.mayUseHttp,
  allow_private_addresses: registration.networks.map(
    ({ address, prefix }) => `${address}/${prefix}`,
  ),
});

const printableValidation = (validation: Config["validation"]) => ({
  mappings: validation.mappings,
  every_minutes: validation.everyMs / MINUTE_MS,
  failing_every_minutes: validation.failingEveryMs / MINUTE_MS,
  monthly_limit: formatUsd(validation.monthlyLimit),
});
