/** Rate limits on the command line: the same three options wherever they are set. */
import type { Command } from "commander";
import { RATE_MAX } from "../kernel/limits.js";
import {
  RATE_FIELDS,
  RATE_KINDS,
  type RateChanges,
  type RateKind,
  type Rates,
} from "../tenants/rates.js";
import { UserError } from "./output.js";
import { readWhole } from "./read.js";

export type RateOptions = {
  readonly requestsPerMinute?: string;
  readonly tokensPerMinute?: string;
  readonly concurrentRequests?: string;
};

const OPTIONS = {
  requests: { name: "requestsPerMinute", says: "requests a minute" },
  tokens: { name: "tokensPerMinute", says: "tokens of text a minute" },
  concurrent: { name: "concurrentRequests", says: "requests at once" },
} as const satisfies Record<RateKind, { name: keyof RateOptions; says: string }>;

const flag = (kind: RateKind): string => `--${RATE_FIELDS[kind].replaceAll("_", "-")}`;

/** `more` ends each description. */
export const withRates = (to: Command, more = ""): Command =>
  RATE_KINDS.reduce(
    (command, kind) =>
      command.option(`${flag(kind)} <number>`, `most ${OPTIONS[kind].says}${more}`),
    to,
  );

/** What is set; undefined where nothing is. */
export function readRateOptions(options: RateOptions): Rates | undefined {
  const set = given(options).map(([kind, text]) => [kind, readRate(kind, text)] as const);
  return set.length === 0 ? undefined : Object.fromEntries(set);
}

/** What is changed: `none` takes a limit away. Undefined where nothing is. */
export function readRateChanges(options: RateOptions): RateChanges | undefined {
  const set = given(options).map(
    ([kind, text]) => [kind, text === "none" ? null : readRate(kind, text)] as const,
  );
  return set.length === 0 ? undefined : Object.fromEntries(set);
}

export function requireRateChanges(options: RateOptions): RateChanges {
  const changes = readRateChanges(options);
  if (changes) return changes;
  throw new UserError(`Give at least one of ${RATE_KINDS.map(flag).join(", ")}`);
}

const given = (options: RateOptions): (readonly [RateKind, string])[] =>
  RATE_KINDS.flatMap((kind) => {
    const text = options[OPTIONS[kind].name];
    return text === undefined ? [] : [[kind, text] as const];
  });

const readRate = (kind: RateKind, text: string): number =>
  readWhole(flag(kind), text, [1, RATE_MAX]);

/** For people: `at most 60 requests a minute, any number of requests at once`. */
export const sayRates = (changes: RateChanges): string =>
  RATE_KINDS.flatMap((kind) => {
    const most = changes[kind];
    if (most === undefined) return [];
    return [
      most === null
        ? `any number of ${OPTIONS[kind].says}`
        : `at most ${most} ${OPTIONS[kind].says}`,
    ];
  }).join(", ");
