/** What is leased of rates. */
import type { MaybeWhole, Whole } from "../columns.js";

export type RateTables = {
  /** How much is leased of each rate's bucket: one for each minute, and one for requests at once. */
  rates: {
    bucket: string;
    most: Whole;
    /** To nodes that are there, and what nodes that are gone used of a minute. */
    leased: Whole;
    /** When its minute is over; null for requests at once. */
    ends_at: MaybeWhole;
  };
  /** Sums as those of `leases`. What was used is never told: it stays out until its minute is over. */
  rate_leases: {
    node: string;
    bucket: string;
    taken: Whole;
    returned: Whole;
    recall_answered: Whole;
  };
};
