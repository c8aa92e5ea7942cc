/**
 * Headers about rates. Source: draft-ietf-httpapi-ratelimit-headers-11 (May 2026), and the names that OpenAI's API
 * gives the same, which most clients read.
 */
import { RATE_WINDOW_MS } from "../../kernel/limits.js";
import { endOfMinute, minuteAt, type RateKind } from "../../tenants/rates.js";
import { leftOf, type RateLimit, type RateWindow, tightestOf } from "./rate-window.js";

/** Policies are called by what they count. Requests are the draft's own unit unless another one is named. */
const POLICY: Readonly<Record<RateKind, string>> = {
  requests: `;w=${RATE_WINDOW_MS / 1_000}`,
  tokens: `;w=${RATE_WINDOW_MS / 1_000};qu="tokens"`,
  concurrent: ';qu="concurrent-requests"',
};

/** By whole seconds that are left of a minute: the same few texts for everybody. */
const textsOf = (text: (seconds: number) => string) =>
  Array.from({ length: RATE_WINDOW_MS / 1_000 + 1 }, (_, seconds) => text(seconds));
const RESETS = textsOf((seconds) => `${seconds}s`);
const TIMES = textsOf((seconds) => `;t=${seconds}`);

/**
 * Adds, of each kind, the limit with the least left, as far as this process knows. Every answer under a limit pays
 * for this, so what can be known before is, and nothing is made but the texts that change.
 */
export function addRateHeaders(
  headers: Record<string, string>,
  window: RateWindow,
  now: number,
): void {
  const { limits } = window;
  const requests = tightestOf(limits.requests);
  const tokens = tightestOf(limits.tokens);
  const concurrent = tightestOf(limits.concurrent);
  const seconds = secondsLeft(now);
  const reset = RESETS[seconds] ?? "";
  const time = TIMES[seconds] ?? "";
  let states = "";
  if (requests) {
    const left = String(leftOf(requests));
    headers["x-ratelimit-limit-requests"] = requests.most;
    headers["x-ratelimit-remaining-requests"] = left;
    headers["x-ratelimit-reset-requests"] = reset;
    states = `"requests";r=${left}${time}`;
  }
  if (tokens) {
    const left = String(leftOf(tokens));
    headers["x-ratelimit-limit-tokens"] = tokens.most;
    headers["x-ratelimit-remaining-tokens"] = left;
    headers["x-ratelimit-reset-tokens"] = reset;
    states = states + (states === "" ? '"tokens";r=' : ', "tokens";r=') + left + time;
  }
  if (concurrent)
    states =
      states + (states === "" ? '"concurrent";r=' : ', "concurrent";r=') + leftOf(concurrent);
  headers["ratelimit-policy"] = policyText(window, requests, tokens, concurrent);
  headers.ratelimit = states;
}

/** The same limits are the tightest for a long time. */
function policyText(
  window: RateWindow,
  requests: RateLimit | undefined,
  tokens: RateLimit | undefined,
  concurrent: RateLimit | undefined,
): string {
  const { by, text } = window.policy;
  if (text !== "" && by[0] === requests && by[1] === tokens && by[2] === concurrent) return text;
  const policies = [requests, tokens, concurrent].flatMap((limit) =>
    limit ? [`"${limit.bucket.kind}";q=${limit.most}${POLICY[limit.bucket.kind]}`] : [],
  );
  window.policy = { by: [requests, tokens, concurrent], text: policies.join(", ") };
  return window.policy.text;
}

/** Whole seconds until the minute is over, never 0. */
export const secondsLeft = (now: number): number =>
  Math.ceil((endOfMinute(minuteAt(now)) - now) / 1_000);
