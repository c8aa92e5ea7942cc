/** A caller's limits in one minute, and the leases behind them: made once for all of the caller's requests. */
import {
  type CallerRates,
  minuteBucket,
  type RateBucket,
  type RateKind,
} from "../../tenants/rates.js";
import type { RateBook, RateLease, RateLeases } from "./rate-book.js";

/** A limit, and what this process has of it. */
export type RateLimit = {
  readonly bucket: RateBucket;
  readonly lease: RateLease;
  /** `most` as headers have it. */
  readonly most: string;
};

/** What the headers of an answer say. Never the same object for different texts. */
export type RateTexts = {
  /** The limits themselves; empty where they need not be said again. */
  readonly policy: string;
  /** What is left of them. Of requests at once that is another number by the time it is read, so it is not told. */
  readonly left: string;
};

/** What was told of a kind: the lease with the least left of its limit, and between which numbers that was. */
export type LeftTold = {
  readonly lease: RateLease | undefined;
  readonly from: number;
  readonly below: number;
};

/** Texts, and what they depend on. */
export type ToldRates = RateTexts & {
  readonly requests: LeftTold;
  readonly tokens: LeftTold;
  readonly concurrent: RateLease | undefined;
  /** From when and until when they hold, by `clock.now()`: they tell whole seconds. */
  readonly since: number;
  readonly until: number;
  /** They may be said again, as long as nothing changes: not so the first ones of a minute. */
  readonly isForAll: boolean;
};

export type RateWindow = {
  readonly rates: CallerRates;
  readonly minute: number;
  readonly limits: { readonly [Kind in RateKind]: readonly RateLimit[] };
  readonly leases: RateLeases;
  /** More tokens than this no minute has. */
  readonly tokensMost: number;
  /** The book's, when the leases were looked up. */
  readonly forgotten: number;
  /** The next minute's leases were asked for. */
  isAhead: boolean;
  /** What the last answer said of all this. */
  told: ToldRates | undefined;
};

export function windowOf(
  book: RateBook,
  rates: CallerRates,
  {
    minute,
    now,
    isAhead,
  }: { readonly minute: number; readonly now: number; readonly isAhead: boolean },
): RateWindow {
  const limitsOf = (kind: RateKind): RateLimit[] =>
    rates[kind].map((bucket) => ({
      bucket,
      lease: book.leaseOf(kind === "concurrent" ? bucket.id : minuteBucket(bucket.id, minute), now),
      most: String(bucket.most),
    }));
  const [requests, tokens, concurrent] = [
    limitsOf("requests"),
    limitsOf("tokens"),
    limitsOf("concurrent"),
  ];
  return {
    ...{ rates, minute, isAhead, forgotten: book.forgotten, tokensMost: leastOf(rates.tokens) },
    limits: { requests, tokens, concurrent },
    leases: {
      requests: requests.map(({ lease }) => lease),
      tokens: tokens.map(({ lease }) => lease),
      concurrent: concurrent.map(({ lease }) => lease),
    },
    told: undefined,
  };
}

/** The strictest of some limits. */
export const leastOf = (buckets: readonly RateBucket[]): number =>
  buckets.reduce((least, { most }) => Math.min(least, most), Number.POSITIVE_INFINITY);

/** What is left of a lease's limit, as far as this process knows. */
export const leftOf = ({ free, unleased }: RateLease): number => free + unleased;

/** Of some leases the one with the least left. */
export function scarcestOf(leases: readonly RateLease[]): RateLease | undefined {
  let scarcest: RateLease | undefined;
  for (const lease of leases) if (!scarcest || leftOf(lease) < leftOf(scarcest)) scarcest = lease;
  return scarcest;
}

/** Of some limits the one with the least left. */
export function tightestOf(limits: readonly RateLimit[]): RateLimit | undefined {
  const scarcest = scarcestOf(limits.map(({ lease }) => lease));
  return limits.find(({ lease }) => lease === scarcest);
}
