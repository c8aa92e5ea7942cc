/** What a request is to hold of its caller's rates. */
import { type NanoUsd, nanoUsd } from "../../kernel/money.js";
import type { CallerRates, RateBucket, RateKind } from "../../tenants/rates.js";
import { tooLong } from "./rate-refusal.js";

/** The most tokens of text that a request may use. */
export type TokensWanted = {
  /** An upper bound that costs nothing to find out. */
  readonly input: number;
  readonly output: number;
  /** Counts the input; undefined where nobody here can. */
  readonly countInput: (() => Promise<number>) | undefined;
};

/** What one request is to hold of each kind. */
export type Amounts = { readonly [Kind in RateKind]: NanoUsd };

/** Leases do not care what they count. */
const counts = (number: number): NanoUsd => nanoUsd(BigInt(number));

const ONE = counts(1);

/** The input as it is counted, where somebody can. */
export async function countedAmounts(
  rates: CallerRates,
  { input, output, countInput }: TokensWanted,
): Promise<Amounts> {
  const most = leastOf(rates.tokens);
  const counted = countInput ? Math.min(await countInput(), input) : input;
  if (countInput && counted > most) throw tooLong(rates.tokens, counted);
  // What may use more than a whole minute's is admitted when it has the minute to itself.
  return amountsFor(Math.min(counted + output, most));
}

export const amountsFor = (tokens: number): Amounts => ({
  requests: ONE,
  tokens: counts(tokens),
  concurrent: ONE,
});

/** The strictest of some limits. */
export const leastOf = (buckets: readonly RateBucket[]): number =>
  buckets.reduce((least, { most }) => Math.min(least, most), Number.POSITIVE_INFINITY);
