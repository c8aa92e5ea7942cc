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
const TIMES = Array.from({ length: RATE_WINDOW_MS / 1_000 + 1 }, (_, seconds) => `;t=${seconds}`);

const TOKENS = '"tokens";r=';
const THEN_TOKENS = `, ${TOKENS}`;
const PLACES = '"concurrent";r=';
const THEN_PLACES = `, ${PLACES}`;

/**
 * Adds, of each kind, the limit with the least left, as far as this process knows. Every answer under a limit pays
 * for this, so what can be known before is, and nothing is made but the text that changes.
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
  const time = TIMES[secondsLeft(now)] ?? "";
  let states = "";
  if (requests) states = `"requests";r=${leftOf(requests)}${time}`;
  if (tokens) states += `${states === "" ? TOKENS : THEN_TOKENS}${leftOf(tokens)}${time}`;
  if (concurrent) states += `${states === "" ? PLACES : THEN_PLACES}${leftOf(concurrent)}`;
  headers["ratelimit-policy"] = policyText(window, requests, tokens, concurrent);
  headers.ratelimit = states;
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
    headers[`x-ratelimit-remaining-${kind}`] = String(leftOf(tightest));
    headers[`x-ratelimit-reset-${kind}`] = `${secondsLeft(now)}s`;
  }
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
