/**
 * Headers about rates. Source: draft-ietf-httpapi-ratelimit-headers-11 (May 2026), and the names that OpenAI's API
 * gives the same, which most clients read.
 */
import { RATE_WINDOW_MS } from "../../kernel/limits.js";
import { endOfMinute, minuteAt, type RateKind } from "../../tenants/rates.js";
import type { RateLease } from "./rate-book.js";
import {
  type LeftTold,
  leftOf,
  type RateTexts,
  type RateWindow,
  scarcestOf,
  type ToldRates,
  tightestOf,
} from "./rate-window.js";

/** Policies are called by what they count. Requests are the draft's own unit unless another one is named. */
const POLICY: Readonly<Record<RateKind, string>> = {
  requests: `;w=${RATE_WINDOW_MS / 1_000}`,
  tokens: `;w=${RATE_WINDOW_MS / 1_000};qu="tokens"`,
  concurrent: ';qu="concurrent-requests"',
};

/** Whoever has as many left may send so fast that every header counts, and no two answers say the same for long. */
const MANY = 10_000;

/**
 * Of each kind the limit with the least left, as far as this process knows. Every answer under a limit asks for this,
 * so it is made anew only when it has changed. A large number is said in four digits, rounded down, and where all are
 * large the limits themselves once a minute: a header that always says the same costs as much as counting does.
 */
export function rateTexts(window: RateWindow, now: number): RateTexts {
  const { leases, told } = window;
  const requests = scarcestKnown(leases.requests);
  const tokens = scarcestKnown(leases.tokens);
  const concurrent = scarcestOf(leases.concurrent);
  const isStill =
    told?.isForAll &&
    now >= told.since &&
    now < told.until &&
    told.concurrent === concurrent &&
    holds(told.requests, requests) &&
    holds(told.tokens, tokens);
  if (isStill) return told;
  const isKnown =
    told !== undefined &&
    told.requests.lease === requests &&
    told.tokens.lease === tokens &&
    told.concurrent === concurrent;
  window.told = toldOf(window, { requests, tokens, concurrent, isKnown }, now);
  return window.told;
}

/** Undefined also where the store was not asked yet, as when an answer takes longer than its minute: then nobody knows. */
function scarcestKnown(leases: readonly RateLease[]): RateLease | undefined {
  const scarcest = scarcestOf(leases);
  return scarcest?.isKnown ? scarcest : undefined;
}

type Telling = { readonly [Kind in RateKind]: RateLease | undefined } & {
  /** The last answer told of the same limits. */
  readonly isKnown: boolean;
};

function toldOf(window: RateWindow, telling: Telling, now: number): ToldRates {
  const { concurrent, isKnown } = telling;
  const seconds = secondsLeft(now);
  const requests = leftTold(telling.requests);
  const tokens = leftTold(telling.tokens);
  const left = leftText(requests, tokens, seconds);
  // Whoever is limited in requests at once alone hears of that every time.
  const areMany = left !== "" && requests.from >= MANY && tokens.from >= MANY;
  const policy = areMany && isKnown ? "" : policyText(window);
  const isForAll = isKnown || !areMany;
  const until = endOfMinute(minuteAt(now)) - (seconds - 1) * 1_000;
  return { requests, tokens, concurrent, since: until - 1_000, until, policy, left, isForAll };
}

const leftText = (requests: LeftTold, tokens: LeftTold, seconds: number): string =>
  [
    ...(requests.lease ? [`"requests";r=${requests.from};t=${seconds}`] : []),
    ...(tokens.lease ? [`"tokens";r=${tokens.from};t=${seconds}`] : []),
  ].join(", ");

function leftTold(lease: RateLease | undefined): LeftTold {
  if (!lease) return NOT_LIMITED;
  const left = leftOf(lease);
  let step = 1;
  while (left >= step * MANY) step *= 10;
  const from = left - (left % step);
  return { lease, from, below: from + step };
}

const NOT_LIMITED: LeftTold = {
  lease: undefined,
  from: Number.POSITIVE_INFINITY,
  below: Number.POSITIVE_INFINITY,
};

function holds({ lease, from, below }: LeftTold, now: RateLease | undefined): boolean {
  if (!lease || lease !== now) return lease === now;
  const left = leftOf(lease);
  return left >= from && left < below;
}

/**
 * For a refusal: the same to the last digit, the place that was lacking, and OpenAI's names of it all. On every answer
 * six more headers would cost more than the limits do.
 */
export function refusalHeaders(
  window: RateWindow,
  kind: RateKind,
  now: number,
): Record<string, string> {
  const seconds = secondsLeft(now);
  const headers: Record<string, string> = { "ratelimit-policy": policyText(window) };
  const told: string[] = [];
  for (const each of ["requests", "tokens"] as const) {
    const tightest = tightestOf(window.limits[each]);
    if (!tightest) continue;
    const left = leftOf(tightest.lease);
    told.push(`"${each}";r=${left};t=${seconds}`);
    headers[`x-ratelimit-limit-${each}`] = tightest.most;
    headers[`x-ratelimit-remaining-${each}`] = String(left);
    headers[`x-ratelimit-reset-${each}`] = `${seconds}s`;
  }
  if (kind === "concurrent") told.push('"concurrent";r=0');
  headers.ratelimit = told.join(", ");
  return headers;
}

const policyText = ({ limits }: RateWindow): string =>
  [tightestOf(limits.requests), tightestOf(limits.tokens), tightestOf(limits.concurrent)]
    .flatMap((limit) => limit ?? [])
    .map(({ bucket: { kind }, most }) => `"${kind}";q=${most}${POLICY[kind]}`)
    .join(", ");

/** Whole seconds until the minute is over, never 0. */
export const secondsLeft = (now: number): number =>
  Math.ceil((endOfMinute(minuteAt(now)) - now) / 1_000);
