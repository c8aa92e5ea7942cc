/** What is waited for, and how far our counts were off. */
import type { MaybeWhole, Whole } from "../columns.js";

export type LateCostTables = {
  /** Requests whose provider says later what they cost. */
  late_costs: {
    request: string;
    provider: string;
    provider_request: string;
    /** Ids of the buckets that pay, space-separated. */
    buckets: string;
    at: Whole;
    asks: Whole;
    /**
     * `waiting`, `billed`, `unbilled` (given up, free of charge), `void` (its request went elsewhere), `known` (a job that
     * had its result in the first answer).
     */
    state: string;
    /** For a job: how it is asked for, as JSON, and when next. */
    look: string | null;
    ask_at: MaybeWhole;
    settled_by: string | null;
    settled_at: MaybeWhole;
  };
  /** Sums by day of what we counted and what providers said. */
  cost_drift: {
    day: Whole;
    provider: string;
    requests: Whole;
    counted: Whole;
    reported: Whole;
    above: Whole;
    below: Whole;
    unbilled: Whole;
  };
  /** Which process does what only one should. */
  job_turns: { job: string; node: string; until: Whole };
};
