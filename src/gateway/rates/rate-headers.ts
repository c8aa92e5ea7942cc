/**
 * Headers about rates. Source: draft-ietf-httpapi-ratelimit-headers-11 (May 2026), and the names that OpenAI's API
 * gives the same, which most clients read.
 */
import { RATE_WINDOW_MS } from "../../kernel/limits.js";
import { endOfMinute, minuteAt, type RateKind } from "../../tenants/rates.js";
import type { RateLease } from "./rate-book.js";
import { leftOf, type RateWindow, scarcestOf, tightestOf } from "./rate-window.js";

/** Policies are called by what they count. Requests are the draft's own unit unless another one is named. */
const POLICY: Readonly<Record<RateKind, string>> = {
  requests: `;w=${RATE_WINDOW_MS / 1_000}`,
  tokens: `;w=${RATE_WINDOW_MS / 1_000};qu="tokens"`,
  concurrent: ';qu="concurrent-requests"',
};

/** By whole seconds that are left of a minute: the same few texts for everybody. */
const TIMES = Array.from({ length: RATE_WINDOW_MS / 1_000 + 1 }, (_, seconds) => `;t=${seconds}`);

const REQUESTS = '"requests";r=';
const TOKENS = '"tokens";r=';
const PLACES = '"concurrent";r=';
const [AND_TOKENS, AND_PLACES] = [`, ${TOKENS}`, `, ${PLACES}`];

/** The pieces of the text that is being made: joined they leave that one text behind, added up six more. */
const pieces: (string | number)[] = [];

/**
 * Adds, of each kind, the limit with the least left, as far as this process knows. Every answer under a limit pays
 * for this, so what can be known before is, and nothing is made but the text that changes.
 */
export function addRateHeaders(
  headers: Record<string, string>,
  window: RateWindow,
  now: number,
): void {
  const { leases } = window;
  const requests = scarcestOf(leases.requests);
  const tokens = scarcestOf(leases.tokens);
  const concurrent = scarcestOf(leases.concurrent);
  const time = TIMES[secondsLeft(now)] ?? "";
  pieces.length = 0;
  if (requests) pieces.push(REQUESTS, leftOf(requests), time);
  if (tokens) pieces.push(pieces.length === 0 ? TOKENS : AND_TOKENS, leftOf(tokens), time);
  if (concurrent) pieces.push(pieces.length === 0 ? PLACES : AND_PLACES, leftOf(concurrent));
  headers["ratelimit-policy"] = policyText(window, requests, tokens, concurrent);
  headers.ratelimit = pieces.join("");
}

/** The same under OpenAI's names, for a refusal: on every answer six more headers would cost more than the limits do. */
export function addOpenaiNames(
  headers: Record<string, string>,
  { limits }: RateWindow,
  now: number,
): void {
  for (const kind of ["requests", "tokens"] as const) {
    const tightest = tightestOf(limits[kind]);
    if (!tightest) continue;
    headers[`x-ratelimit-limit-${kind}`] = tightest.most;
    headers[`x-ratelimit-remaining-${kind}`] = String(leftOf(tightest.lease));
    headers[`x-ratelimit-reset-${kind}`] = `${secondsLeft(now)}s`;
  }
}

/** The same limits are the tightest for a long time. */
function policyText(
  window: RateWindow,
  requests: RateLease | undefined,
  tokens: RateLease | undefined,
  concurrent: RateLease | undefined,
): string {
  const { policy } = window;
  const isSame =
    policy.requests === requests && policy.tokens === tokens && policy.concurrent === concurrent;
  if (policy.text !== "" && isSame) return policy.text;
  const { limits } = window;
  const text = [...limits.requests, ...limits.tokens, ...limits.concurrent]
    .filter(({ lease }) => lease === requests || lease === tokens || lease === concurrent)
    .map(({ bucket: { kind }, most }) => `"${kind}";q=${most}${POLICY[kind]}`)
    .join(", ");
  window.policy = { requests, tokens, concurrent, text };
  return text;
}

/** Whole seconds until the minute is over, never 0. */
export const secondsLeft = (now: number): number =>
  Math.ceil((endOfMinute(minuteAt(now)) - now) / 1_000);
