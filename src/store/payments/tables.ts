/** Bought credit. */
import type { Whole } from "../columns.js";

export type PaymentTables = {
  /** Checkouts, and what of their price went back. No card, name or address of a buyer. */
  payments: {
    id: string;
    bucket: string;
    amount: Whole;
    state: string;
    /** The processor's ids of the checkout, and of the money's movement once that is known. */
    session_id: string;
    intent_id: string | null;
    /** The account that the payment became; null until it is paid. */
    grant_id: string | null;
    taken_back: Whole;
    lost: Whole;
    /** Reversed, and not yet taken back nor lost. */
    outstanding: Whole;
    /** Transfers made so far beside the grant's own, which numbers the next one. */
    moves: Whole;
    /** When a process last took on what is outstanding. */
    claimed_at: Whole;
    created_at: Whole;
    changed_at: Whole;
  };
  /** Refunds and lost disputes, also of payments that are not known to be paid yet. */
  payment_reversals: {
    id: string;
    intent_id: string;
    because: string;
    amount: Whole;
    /** 1: it failed, or the dispute was won after all. */
    void: Whole;
    at: Whole;
  };
};
