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
 * so it is made anew only when it has changed. Where there are many left it says them in four digits, rounded down, and
 * the limits themselves once a minute: a header that always says the same costs an answer as much as counting it does.
 */
export function rateTexts(window: RateWindow, now: number): RateTexts {
  const { leases, told } = window;
  const requests = scarcestOf(leases.requests);
  const tokens = scarcestOf(leases.tokens);
  const concurrent = scarcestOf(leases.concurrent);
  const seconds = secondsLeft(now);
  const isStill =
    told?.isForAll &&
    told.seconds === seconds &&
    told.concurrent === concurrent &&
    holds(told.requests, requests) &&
    holds(told.tokens, tokens);
  if (isStill) return told;
  const isKnown =
    told !== undefined &&
    told.requests.lease === requests &&
    told.tokens.lease === tokens &&
    told.concurrent === concurrent;
  window.told = toldOf(window, { requests, tokens, concurrent, seconds, isKnown });
  return window.told;
}

type Telling = { readonly [Kind in RateKind]: RateLease | undefined } & {
  readonly seconds: number;
  /** The same limits were told before in this minute. */
  readonly isKnown: boolean;
};

function toldOf(window: RateWindow, telling: Telling): ToldRates {
  const { concurrent, seconds, isKnown } = telling;
  const requests = leftTold(telling.requests);
  const tokens = leftTold(telling.tokens);
  const left = [
    ...(requests.lease ? [`"requests";r=${requests.from};t=${seconds}`] : []),
    ...(tokens.lease ? [`"tokens";r=${tokens.from};t=${seconds}`] : []),
  ].join(", ");
  // Whoever is limited in requests at once alone hears of that every time.
  const areMany = left !== "" && requests.from >= MANY && tokens.from >= MANY;
  const policy = areMany && isKnown ? "" : policyText(window);
  const isForAll = isKnown || !areMany;
  return { requests, tokens, concurrent, seconds, policy, left, isForAll };
}

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
 * For a refusal: the same, the place that was lacking, and OpenAI's names of it all. On every answer six more headers
 * would cost more than the limits do.
 */
export function refusalHeaders(
  window: RateWindow,
  kind: RateKind,
  now: number,
): Record<string, string> {
  const { left } = rateTexts(window, now);
  const told = [left, kind === "concurrent" ? '"concurrent";r=0' : ""].filter(
    (text) => text !== "",
  );
  const headers: Record<string, string> = {
    "ratelimit-policy": policyText(window),
    ratelimit: told.join(", "),
  };
  for (const each of ["requests", "tokens"] as const) {
    const tightest = tightestOf(window.limits[each]);
    if (!tightest) continue;
    headers[`x-ratelimit-limit-${each}`] = tightest.most;
    headers[`x-ratelimit-remaining-${each}`] = String(leftOf(tightest.lease));
    headers[`x-ratelimit-reset-${each}`] = `${secondsLeft(now)}s`;
  }
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
