import { stringify } from "yaml";
import { printPrice } from "../catalog/quote.js";
import { type Config, loadConfig } from "../config/config.js";
import { snakeCase } from "../config/schema.js";
import { formatUsd } from "../kernel/money.js";
import type { BillingEndpoint } from "../providers/provider.js";
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

const printableBilling = ({ url, requestIdHeader, delayMs }: BillingEndpoint) => ({
  url: maskedUrl(url),
  request_id_header: requestIdHeader,
  delay_seconds: delayMs / 1_000,
});
const maybeMaskedUrl = (url: string | undefined): string | null =>
  url === undefined ? null : maskedUrl(url);

function printable(from: Config) {
  const { file: own = [], starter = [] } = from.models;
  return {
    host: from.host,
    port: from.port,
    data: from.dataFolder,
    database_url: from.databaseUrl === undefined ? null : maskedUrl(from.databaseUrl),
    secret: masked(from.secret),
    owner_token: masked(from.ownerToken),
    workers: from.workers,
    durability: from.durability,
    limits: Object.fromEntries(
      Object.entries(from.limits).map(([name, value]) => [snakeCase(name), value]),
    ),
    retention: {
      request_days: from.retention.requestDays,
      hourly_usage_days: from.retention.hourlyUsageDays,
      usage_days: from.retention.usageDays ?? "forever",
    },
    routing: { default_policy: from.defaultPolicy },
    plans: Object.fromEntries(
      [...from.plans.values()].map((plan) => [
        plan.name,
        {
          monthly_credit: formatUsd(plan.monthlyCredit),
          monthly_credit_per_seat: formatUsd(plan.monthlyCreditPerSeat),
          extra_usage: plan.extraUsage,
          ...(plan.rates && printRates(plan.rates)),
        },
      ]),
    ),
    providers: Object.fromEntries(
      [...from.providers].map(([id, { baseUrl, key, billing }]) => [
        id,
        {
          base_url: maskedUrl(baseUrl),
          api_key: masked(key),
          ...(billing && { billing: printableBilling(billing) }),
        },
      ]),
    ),
    hardware: printPrice(from.hardware),
    embedded: { enabled: from.embedded !== undefined, ...printPrice(from.embedded?.price ?? {}) },
    payments: {
      min_amount: formatUsd(from.payments.minAmount),
      max_amount: formatUsd(from.payments.maxAmount),
      stripe: {
        base_url: maskedUrl(from.payments.stripe.baseUrl),
        secret_key: masked(from.payments.stripe.secretKey),
        webhook_secret: masked(from.payments.stripe.webhookSecret),
        success_url: maybeMaskedUrl(from.payments.stripe.successUrl),
        cancel_url: maybeMaskedUrl(from.payments.stripe.cancelUrl),
      },
    },
    registration: {
      approval: from.registration.approval,
      allow_http: from.registration.mayUseHttp,
      allow_private_addresses: from.registration.networks.map(
        ({ address, prefix }) => `${address}/${prefix}`,
      ),
    },
    validation: {
      mappings: from.validation.mappings,
      every_minutes: from.validation.everyMs / 60_000,
      failing_every_minutes: from.validation.failingEveryMs / 60_000,
      monthly_limit: formatUsd(from.validation.monthlyLimit),
    },
    models: { own: own.map((model) => model.id), starter: starter.length },
    warnings: from.warnings,
  };
}
