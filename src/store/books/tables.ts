/** Sums of what was, and which requests are whose. */
import type { Whole } from "../columns.js";
import type { UsageSum } from "./usage-columns.js";

type UsageKey = {
  hour: Whole;
  payer: string;
  group_id: string;
  user_id: string;
  token_id: string;
  model: string;
  provider: string;
  own_key: Whole;
};

type UsageSums = { [Column in UsageSum]: Whole };

export type BookTables = {
  /** Which requests are whose: a row for each user, and each organization that paid, and batch that was drained. */
  user_requests: {
    /** The first of `ids`. */
    id: string;
    /** Or the bucket of an organization. */
    user_id: string;
    /** When the newest of them began. */
    at: Whole;
    /** Space-separated, in no order. */
    ids: string;
  };
  /** Requests that are not kept any more, so that the books still add up. */
  requests_forgotten: { provider: string; requests: Whole; cost: Whole };
  /** Days that are long past have all of their sums in the hour that they begin with. */
  usage_hourly: UsageKey & UsageSums;
  /** The same once more for every tag of a request: requests without tags are not in it. */
  usage_tags_hourly: UsageKey & { tag: string } & UsageSums;
  /** What each account paid and was paid, by UTC day (days since 1970) and code of transfer. */
  account_days: {
    account: string;
    day: Whole;
    code: string;
    debited: Whole;
    credited: Whole;
  };
  /** How many calls cost about how much: `bucket` as `metering/call-costs.ts` counts them. */
  call_costs: {
    model: string;
    provider: string;
    /** Months since 1970. */
    month: Whole;
    bucket: Whole;
    calls: Whole;
  };
  /** Idempotency keys in use, hashed, each with the request that used it. */
  idempotency_keys: { payer: string; key: string; request: string; at: Whole };
};
