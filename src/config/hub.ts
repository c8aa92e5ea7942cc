/** Who may register providers, where those may be, and which mappings are validated by themselves. */
import { isIP } from "node:net";
import { z } from "zod";
import { MINUTE_MS } from "../kernel/clock.js";
import { VALIDATION_MINUTES_MAX } from "../kernel/limits.js";
import type { NanoUsd } from "../kernel/money.js";
import { dollars } from "./dollars.js";

export type RegistrationSettings = {
  /** Who takes a provider from staging to live: the operator, or nobody needs to. */
  readonly approval: "operator" | "automatic";
  readonly mayUseHttp: boolean;
  /** Networks of the operator's own that registered providers may be in. */
  readonly networks: readonly { readonly address: string; readonly prefix: number }[];
};

export type ValidationSettings = {
  /** Nothing; mappings of registered providers and those in the store; or the starter catalog's and the file's too. */
  readonly mappings: "none" | "registered" | "all";
  readonly everyMs: number;
  /** The same for a mapping that failed. */
  readonly failingEveryMs: number;
  /** The most that probes may cost in a calendar month. */
  readonly monthlyLimit: NanoUsd;
};

const WIDTHS: Readonly<Record<number, number>> = { 4: 32, 6: 128 };

const network = z.string().transform((text, context) => {
  const [, address = "", prefix = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const width = WIDTHS[isIP(address)];
  if (width !== undefined && Number(prefix) <= width) return { address, prefix: Number(prefix) };
  const message = `expected a network like "10.0.0.0/8" or "fd00::/8", not "${text}"`;
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

export const registrationSchema = z.strictObject({
  approval: z.enum(["operator", "automatic"]).default("operator"),
  allow_http: z.boolean().default(false),
  allow_private_addresses: z.array(network).default([]),
});

const minutes = z.int().min(1).max(VALIDATION_MINUTES_MAX);
const MAPPINGS = ["none", "registered", "all"] as const;

const wholeValidation = z.strictObject({
  mappings: z.enum(MAPPINGS).default("registered"),
  every_minutes: minutes.default(360),
  failing_every_minutes: minutes.default(60),
  monthly_limit: dollars.prefault("1.00"),
});

/** One word for the mappings is short for all of it. */
export const validationSchema = z.preprocess(
  (written) => (typeof written === "string" ? { mappings: written } : written),
  wholeValidation,
);

export const registrationOf = (
  written: z.output<typeof registrationSchema>,
): RegistrationSettings => ({
  approval: written.approval,
  mayUseHttp: written.allow_http,
  networks: written.allow_private_addresses,
});

export const validationOf = (written: z.output<typeof wholeValidation>): ValidationSettings => ({
  mappings: written.mappings,
  everyMs: written.every_minutes * MINUTE_MS,
  failingEveryMs: written.failing_every_minutes * MINUTE_MS,
  monthlyLimit: written.monthly_limit,
});
