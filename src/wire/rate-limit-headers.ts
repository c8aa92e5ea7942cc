/** What a provider's headers say of how long to leave it alone. Pure. */

/** The value of a header by its name in lower case. */
type Header = (name: string) => string | undefined;

type Names = { readonly remaining: string; readonly reset: string; readonly limit: string };

/**
 * OpenAI and Groq limit `requests` and `tokens`; Cerebras names the period too. Those without a kind are what
 * Hyperbolic, Together and many gateways send.
 */
const KINDS = ["requests", "tokens", "requests-minute", "tokens-minute", "requests-day"] as const;

const namesFor = (prefix: string, suffix: string): Names => ({
  remaining: `${prefix}-remaining${suffix}`,
  reset: `${prefix}-reset${suffix}`,
  limit: `${prefix}-limit${suffix}`,
});

const FAMILIES: readonly Names[] = [
  ...KINDS.map((kind) => namesFor("x-ratelimit", `-${kind}`)),
  namesFor("x-ratelimit", ""),
  namesFor("ratelimit", ""),
];

/** How the names of all headers begin that tell what is left of a limit. */
export const RATE_HEADERS = ["ratelimit", "x-ratelimit"];

/**
 * How long a provider that refused a request wants to be left alone, in ms: by `retry-after-ms` or `Retry-After`, else
 * until the last of its used-up limits is full again. `now` in ms UTC, for dates. Undefined where it says nothing.
 */
export function pauseAskedFor(header: Header, now: number): number | undefined {
  return retryAfterMs(header, now) ?? usedUpMs(header, now);
}

/** The same by `Retry-After` alone. */
export function retryAfterMs(header: Header, now: number): number | undefined {
  const exact = header("retry-after-ms")?.trim();
  if (exact !== undefined && /^\d+(\.\d+)?$/.test(exact)) return Math.ceil(Number(exact));
  return parseRetryAfter(header("retry-after"), now);
}

/** How long until every limit that is used up has room again, in ms; undefined where none is. */
export function usedUpMs(header: Header, now: number): number | undefined {
  let longest = structuredMs(header("ratelimit"));
  for (const { remaining, reset, limit } of FAMILIES) {
    if (!isZero(header(remaining))) continue;
    // Together says "0 of 0" of what it does not limit at all.
    if (isZero(header(limit))) continue;
    const ms = parseReset(header(reset), now);
    if (ms !== undefined && ms > (longest ?? 0)) longest = ms;
  }
  return longest;
}

const isZero = (value: string | undefined): boolean =>
  value !== undefined && /^0(\.0+)?$/.test(value);

/** `"api";r=0;t=55`, as in the drafts of the RateLimit header and on Hugging Face: `t` seconds from now. */
function structuredMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  let longest: number | undefined;
  for (const item of value.split(",")) {
    if (!/;\s*r=0(;|\s|$)/.test(item)) continue;
    const seconds = /;\s*t=(\d+)/.exec(item)?.[1];
    if (seconds !== undefined) longest = Math.max(longest ?? 0, Number(seconds) * 1_000);
  }
  return longest;
}

/** Seconds, or an HTTP date. */
function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (SECONDS.test(value.trim())) return Math.ceil(Number(value) * 1000);
  return untilDate(value, now);
}

const SECONDS = /^\d+(\.\d+)?$/;
/** Go prints durations so, and OpenAI and Groq write Go. */
const DURATION =
  /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/;
const UNIT_MS = [86_400_000, 3_600_000, 60_000, 1_000, 1] as const;
/** A number of seconds beyond this is a moment, not a wait: it would be thirty years. */
const EPOCH_SECONDS_LEAST = 1_000_000_000;
const EPOCH_MS_LEAST = 1_000_000_000_000;

/** When a limit has room again: seconds (`8.99`), a duration (`6m0s`, `120ms`), a moment (epoch or date); ms from now. */
export function parseReset(value: string | undefined, now: number): number | undefined {
  const text = value?.trim();
  if (text === undefined || text === "") return undefined;
  if (SECONDS.test(text)) return untilNumber(Number(text), now);
  const parts = DURATION.exec(text);
  if (!parts) return untilDate(text, now);
  return Math.ceil(UNIT_MS.reduce((ms, unit, i) => ms + unit * Number(parts[i + 1] ?? 0), 0));
}

function untilNumber(value: number, now: number): number {
  if (value >= EPOCH_MS_LEAST) return Math.max(0, value - now);
  if (value >= EPOCH_SECONDS_LEAST) return Math.max(0, value * 1_000 - now);
  return Math.ceil(value * 1_000);
}

/** `Date.parse` makes a date of nearly anything. */
const DATE = /^([A-Z][a-z]{2}, |\d{4}-\d\d-)/;

function untilDate(text: string, now: number): number | undefined {
  const date = DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
