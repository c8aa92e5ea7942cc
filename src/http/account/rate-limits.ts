/** GET /api/turnpike/me/limits: the rates that hold for a caller, and what is left of each. */
import { printTime } from "../../kernel/print-time.js";
import {
  type CallerRates,
  endOfMinute,
  minuteAt,
  RATE_FIELDS,
  RATE_KINDS,
  type RateBucket,
} from "../../tenants/rates.js";
import { authenticate } from "../authenticate.js";
import { billedCaller } from "../inference/bill-to.js";
import { type Handler, json, type Site } from "../parts.js";

export const showRateLimits: Handler = async (site, visit) => {
  const caller = billedCaller(site, visit, await authenticate(site, visit, "read"));
  return json({ limits: caller.rates ? await leftOf(site, caller.rates, visit.at) : [] });
};

/** Other nodes may have some to give back that counts as used here; no more than this is left for certain. */
async function leftOf({ gateway, rateLeases }: Site, rates: CallerRates, now: number) {
  const { book } = gateway.rates;
  const buckets = RATE_KINDS.flatMap((kind) => rates[kind]);
  const ids = buckets.map((bucket) => gateway.rates.idOf(bucket));
  const leased = await rateLeases.leased(ids);
  return buckets.map((bucket, i) => {
    const id = ids[i] ?? "";
    const left = bucket.most - (leased.get(id) ?? 0) + Number(book.free(id, now));
    return print(bucket, Math.max(0, left), now);
  });
}

const print = ({ scope, name, kind, most }: RateBucket, left: number, now: number) => ({
  bucket: scope,
  bucket_name: name,
  rate: RATE_FIELDS[kind],
  limit: most,
  left,
  resets_at: kind === "concurrent" ? null : printTime(endOfMinute(minuteAt(now))),
});
