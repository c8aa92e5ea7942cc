/**
 * Headers about rates. Source: draft-ietf-httpapi-ratelimit-headers-11 (May 2026), and the names that OpenAI's API
 * gives the same, which most clients read.
 */
import { RATE_WINDOW_MS } from "../../kernel/limits.js";
import { endOfMinute, minuteAt, type RateKind } from "../../tenants/rates.js";
import {
  leftOf,
  type RateTexts,
  type RateWindow,
  type Scarcest,
  scarcestOf,
  tightestOf,
} from "./rate-window.js";

/** Policies are called by what they count. Requests are the draft's own unit unless another one is named. */
const POLICY: Readonly<Record<RateKind, string>> = {
  requests: `;w=${RATE_WINDOW_MS / 1_000}`,
  tokens: `;w=${RATE_WINDOW_MS / 1_000};qu="tokens"`,
  concurrent: ';qu="concurrent-requests"',
};

/**
 * Of each kind the limit with the least left, as far as this process knows. Every answer under a limit asks for this,
 * so it is made anew only when it has changed.
 */
export function rateTexts(window: RateWindow, now: number): RateTexts {
  const { leases, told } = window;
  const requests = scarcestOf(leases.requests);
  const tokens = scarcestOf(leases.tokens);
  const concurrent = scarcestOf(leases.concurrent);
  const seconds = secondsLeft(now);
  const requestsLeft = requests ? roundedDown(leftOf(requests)) : 0;
  const tokensLeft = tokens ? roundedDown(leftOf(tokens)) : 0;
  const isPolicy =
    told !== undefined &&
    told.requests === requests &&
    told.tokens === tokens &&
    told.concurrent === concurrent;
  if (
    isPolicy &&
    told.requestsLeft === requestsLeft &&
    told.tokensLeft === tokensLeft &&
    told.seconds === seconds
  ) {
    return told;
  }
  const limits = { requests, tokens, concurrent };
  const left = [
    ...(requests ? [`"requests";r=${requestsLeft};t=${seconds}`] : []),
    ...(tokens ? [`"tokens";r=${tokensLeft};t=${seconds}`] : []),
  ].join(", ");
  const policy = isPolicy ? told.policy : policyText(window, limits);
  window.told = { ...limits, seconds, requestsLeft, tokensLeft, policy, left };
  return window.told;
}

/** Whoever has more left than this, and uses it up so fast that each answer says less, needs no more digits. */
const EXACT_BELOW = 10_000;

function roundedDown(left: number): number {
  let step = 1;
  while (left >= step * EXACT_BELOW) step *= 10;
  return left - (left % step);
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
  const { policy, left } = rateTexts(window, now);
  const told = [left, kind === "concurrent" ? '"concurrent";r=0' : ""].filter(
    (text) => text !== "",
  );
  const headers: Record<string, string> = {
    "ratelimit-policy": policy,
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

const policyText = ({ limits }: RateWindow, { requests, tokens, concurrent }: Scarcest): string =>
  [...limits.requests, ...limits.tokens, ...limits.concurrent]
    .filter(({ lease }) => lease === requests || lease === tokens || lease === concurrent)
    .map(({ bucket: { kind }, most }) => `"${kind}";q=${most}${POLICY[kind]}`)
    .join(", ");

/** Whole seconds until the minute is over, never 0. */
export const secondsLeft = (now: number): number =>
  Math.ceil((endOfMinute(minuteAt(now)) - now) / 1_000);
