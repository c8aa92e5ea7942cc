/** What is said to somebody whose rate has no room. */
import { assert, RouterError } from "../../kernel/errors.js";
import { BUSY_RETRY_SECONDS } from "../../kernel/limits.js";
import { endOfMinute, minuteAt, RATE_FIELDS, type RateBucket } from "../../tenants/rates.js";
import { refusalHeaders, secondsLeft } from "./rate-headers.js";
import { leftOf, type RateLimit, type RateWindow } from "./rate-window.js";

/** Names the limit, when it has room again, and how much of it is left. */
export function rateLimited(
  window: RateWindow,
  limit: RateLimit,
  needed: number,
  now: number,
): RouterError {
  const { bucket } = limit;
  const left = leftOf(limit.lease);
  const isBusy = bucket.kind === "concurrent";
  const retryAfterSeconds = isBusy ? BUSY_RETRY_SECONDS : secondsLeft(now);
  const resetsAt = isBusy ? null : new Date(endOfMinute(minuteAt(now))).toISOString();
  return new RouterError("rate_limited", sentence(bucket, needed, left, retryAfterSeconds), {
    retryAfterSeconds,
    headers: refusalHeaders(window, bucket.kind, now),
    extra: { ...about(bucket), needed, available: left, resets_at: resetsAt },
  });
}

const about = ({ scope, name, kind, most }: RateBucket) => ({
  limited_by: "turnpike",
  bucket: scope,
  bucket_name: name,
  rate: RATE_FIELDS[kind],
  limit: most,
});

function sentence(
  { kind, most, title }: RateBucket,
  needed: number,
  left: number,
  seconds: number,
): string {
  if (kind === "concurrent") {
    return `The limit of ${most} requests at once for ${title} is reached. Try again when one of them has ended.`;
  }
  if (kind === "requests") {
    return `The limit of ${most} requests a minute for ${title} is reached. Try again in ${seconds} s.`;
  }
  return `The limit of ${most} tokens of text a minute for ${title} has ${left} left, and this request may use ${needed}. Try again in ${seconds} s, or with a lower max_tokens.`;
}

/** A text that no minute has room for: waiting would not help. */
export function tooLong(buckets: readonly RateBucket[], inputTokens: number): RouterError {
  const bucket = buckets.find(({ most }) => inputTokens > most);
  assert(bucket, "a text is too long for some limit");
  return new RouterError(
    "rate_limited",
    `This request's text is ${inputTokens} tokens long, and the limit for ${bucket.title} is ${bucket.most} tokens of text a minute. It will not fit at any time.`,
    { extra: { ...about(bucket), needed: inputTokens, available: bucket.most, resets_at: null } },
  );
}
