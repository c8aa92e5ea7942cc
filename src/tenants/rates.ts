/**
 * Rates: how many requests and tokens of text a minute, and how many requests at once. They are leased and held like
 * money, in counts instead of nano-USD, each in a bucket of its own.
 */
import { RATE_WINDOW_MS } from "../kernel/limits.js";

export const RATE_KINDS = ["requests", "tokens", "concurrent"] as const;
export type RateKind = (typeof RATE_KINDS)[number];

/** Limits that somebody set; what is not named has none. Never empty: who has none at all has no `Rates`. */
export type Rates = { readonly [Kind in RateKind]?: number };

/** Limits to be set; null takes one away, and what is not named stays. */
export type RateChanges = { readonly [Kind in RateKind]?: number | null | undefined };

/** What each is called wherever it is written: configuration, API, columns. */
export const RATE_FIELDS = {
  requests: "requests_per_minute",
  tokens: "tokens_per_minute",
  concurrent: "concurrent_requests",
} as const satisfies Record<RateKind, string>;

type RateField = (typeof RATE_FIELDS)[RateKind];

/** Limits as they are written; what is empty is not set. */
export function readRates(
  written: { readonly [Field in RateField]?: number | bigint | null | undefined },
): Rates | undefined {
  const set = RATE_KINDS.flatMap((kind) => {
    const most = written[RATE_FIELDS[kind]] ?? undefined;
    return most === undefined ? [] : [[kind, Number(most)] as const];
  });
  return set.length === 0 ? undefined : Object.fromEntries(set);
}

/** Changes as they are written. */
export const readRateChanges = (
  written: { readonly [Field in RateField]?: number | null | undefined },
): RateChanges => ({
  requests: written.requests_per_minute,
  tokens: written.tokens_per_minute,
  concurrent: written.concurrent_requests,
});

/** All of them as they are shown, null where there is none. */
export const printRates = (rates: Rates | undefined) => ({
  requests_per_minute: rates?.requests ?? null,
  tokens_per_minute: rates?.tokens ?? null,
  concurrent_requests: rates?.concurrent ?? null,
});

/** Who set a limit, or for whom: all of these hold at once. */
export type RateScope = "plan" | "org" | "member" | "user" | "token";

/** Somebody's limits. */
export type RateSubject = {
  readonly scope: RateScope;
  /** Of whom: `<user>`, `<org>:<user>`, … */
  readonly id: string;
  /** Whose or which, for people. */
  readonly name: string;
  /** What a sentence calls it: `the plan free`. */
  readonly title: string;
  readonly rates: Rates | undefined;
};

/** One limit as a caller's requests meet it. */
export type RateBucket = Omit<RateSubject, "id" | "rates"> & {
  /** Without its minute. */
  readonly id: string;
  readonly kind: RateKind;
  readonly most: number;
};

/** All that holds for a caller. The order is that of `LeaseKeeper.cover`: what many share comes first. */
export type CallerRates = { readonly [Kind in RateKind]: readonly RateBucket[] };

/** Undefined where nothing holds, so that whoever has no limits pays one look for it. */
export function callerRates(subjects: readonly RateSubject[]): CallerRates | undefined {
  if (subjects.every(({ rates }) => rates === undefined)) return undefined;
  const of = (kind: RateKind): RateBucket[] =>
    subjects.flatMap(({ id, rates, ...subject }) => {
      const most = rates?.[kind];
      return most === undefined
        ? []
        : [{ ...subject, kind, most, id: rateBucket(kind, subject.scope, id) }];
    });
  return { requests: of("requests"), tokens: of("tokens"), concurrent: of("concurrent") };
}

const PREFIX = "rate:";

/** The id of a rate's bucket; `minuteBucket` makes that of one minute. */
export const rateBucket = (kind: RateKind, scope: RateScope, id: string): string =>
  `${PREFIX}${kind}:${scope}:${id}`;

/** Whether a bucket counts requests or tokens, and not money. */
export const isRateBucket = (bucketId: string): boolean => bucketId.startsWith(PREFIX);

/** Minutes since 1970. */
export const minuteAt = (now: number): number => Math.floor(now / RATE_WINDOW_MS);

/** In milliseconds UTC. */
export const endOfMinute = (minute: number): number => (minute + 1) * RATE_WINDOW_MS;

/**
 * A bucket's share of one minute, which is a bucket of its own: what was leased of a minute cannot be spent in
 * another one, whatever anybody's clock says.
 */
export const minuteBucket = (bucketId: string, minute: number): string => `${bucketId}@${minute}`;

/** What a bucket's id says. */
export type ReadBucket = {
  readonly kind: RateKind;
  readonly scope: RateScope;
  readonly ids: readonly string[];
  /** Undefined for requests at once, which no clock counts. */
  readonly minute: number | undefined;
};

/** Of a rate's bucket, or of one minute of it; what is none of these gives nonsense. */
export function readRateBucket(bucketId: string): ReadBucket {
  const [whole = "", minute] = bucketId.split("@");
  const [, kind, scope, ...ids] = whole.split(":");
  return {
    kind: kind as RateKind,
    scope: scope as RateScope,
    ids,
    minute: minute === undefined ? undefined : Number(minute),
  };
}

/**
 * The buckets of requests at once that a change of somebody's limits may make smaller: what is leased of them has to
 * be asked back, because no minute ends it.
 */
export const lowerable = (
  scope: RateScope,
  id: string,
  changes: RateChanges | undefined,
): string[] => (changes?.concurrent === undefined ? [] : [rateBucket("concurrent", scope, id)]);
