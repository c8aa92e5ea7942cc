/**
 * Headers about rates. Source: draft-ietf-httpapi-ratelimit-headers-11 (May 2026), and the names that OpenAI's API
 * gives the same, which most clients read.
 */
import { RATE_WINDOW_MS } from "../../kernel/limits.js";
import { endOfMinute, minuteAt, type RateKind } from "../../tenants/rates.js";
import { leftOf, type RateTexts, type RateWindow, scarcestOf, tightestOf } from "./rate-window.js";

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
  const requestsLeft = requests && roundedDown(leftOf(requests));
  const tokensLeft = tokens && roundedDown(leftOf(tokens));
  const isSame =
    told !== undefined &&
    told.requests === requests &&
    told.tokens === tokens &&
    told.concurrent === concurrent;
  const isPolicyKnown = isSame && areMany(requestsLeft, tokensLeft);
  if (
    isSame &&
    isPolicyKnown === (told.policy === "") &&
    told.requestsLeft === requestsLeft &&
    told.tokensLeft === tokensLeft &&
    told.seconds === seconds
  ) {
    return told;
  }
  const left = [
    ...(requestsLeft === undefined ? [] : [`"requests";r=${requestsLeft};t=${seconds}`]),
    ...(tokensLeft === undefined ? [] : [`"tokens";r=${tokensLeft};t=${seconds}`]),
  ].join(", ");
  const policy = isPolicyKnown ? "" : policyText(window);
  const about = { requests, tokens, concurrent, seconds, requestsLeft, tokensLeft };
  window.told = { ...about, policy, left };
  return window.told;
}

function roundedDown(left: number): number {
  let step = 1;
  while (left >= step * MANY) step *= 10;
  return left - (left % step);
}

/** Whoever is limited in requests at once alone hears of that every time. */
function areMany(requests: number | undefined, tokens: number | undefined): boolean {
  const least = Math.min(requests ?? Number.POSITIVE_INFINITY, tokens ?? Number.POSITIVE_INFINITY);
  return least >= MANY && least < Number.POSITIVE_INFINITY;
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
