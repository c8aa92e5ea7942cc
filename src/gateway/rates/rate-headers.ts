/**
 * Headers about rates. Source: draft-ietf-httpapi-ratelimit-headers-11 (May 2026), and the names that OpenAI's API
 * gives the same, which most clients read.
 */
import { RATE_WINDOW_MS } from "../../kernel/limits.js";
import {
  type CallerRates,
  endOfMinute,
  minuteAt,
  RATE_KINDS,
  type RateKind,
} from "../../tenants/rates.js";
import type { RateLimiter } from "./rate-limiter.js";

/** Policies are called by what they count. Requests are the draft's own unit unless another one is named. */
const POLICY: Readonly<Record<RateKind, string>> = {
  requests: `;w=${RATE_WINDOW_MS / 1_000}`,
  tokens: `;w=${RATE_WINDOW_MS / 1_000};qu="tokens"`,
  concurrent: ';qu="concurrent-requests"',
};

/** Of each kind the limit with the least left, as far as this process knows. */
export function rateHeaders(
  limiter: Pick<RateLimiter, "tightest">,
  rates: CallerRates,
  now: number,
): Record<string, string> {
  const headers: Record<string, string> = {};
  const policies: string[] = [];
  const states: string[] = [];
  const seconds = secondsLeft(now);
  for (const kind of RATE_KINDS) {
    const tightest = limiter.tightest(rates, kind);
    if (!tightest) continue;
    const { bucket, left } = tightest;
    policies.push(`"${kind}";q=${bucket.most}${POLICY[kind]}`);
    states.push(`"${kind}";r=${left}${kind === "concurrent" ? "" : `;t=${seconds}`}`);
    if (kind === "concurrent") continue;
    headers[`x-ratelimit-limit-${kind}`] = String(bucket.most);
    headers[`x-ratelimit-remaining-${kind}`] = String(left);
    headers[`x-ratelimit-reset-${kind}`] = `${seconds}s`;
  }
  headers["ratelimit-policy"] = policies.join(", ");
  headers.ratelimit = states.join(", ");
  return headers;
}

/** Whole seconds until the minute is over, never 0. */
export const secondsLeft = (now: number): number =>
  Math.ceil((endOfMinute(minuteAt(now)) - now) / 1_000);
