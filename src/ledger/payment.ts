/** Buying credit: what a payment is, what the payment processor tells of it, and what it asks of storage. */
import { type NanoUsd, nanoUsd, ZERO } from "../kernel/money.js";
import { printTime } from "../kernel/print-time.js";

/**
 * From the first to the last, and never back: whichever order events come in, a payment ends in the latest state
 * that any of them told. So money that was collected counts, whatever else was said before or after.
 */
const PAYMENT_STATES = [
  /** The buyer was sent to the checkout. */
  "open",
  /** The checkout is complete, the money is on its way: a bank transfer takes days. */
  "processing",
  "expired",
  "failed",
  /** Paid, but not what the checkout was for: nothing was granted, and somebody has to look. */
  "refused",
  "paid",
] as const;
export type PaymentState = (typeof PAYMENT_STATES)[number];

/** Of two states the one that comes after the other: a payment never goes back. */
export const laterState = (a: PaymentState, b: PaymentState): PaymentState =>
  PAYMENT_STATES.indexOf(a) < PAYMENT_STATES.indexOf(b) ? b : a;

/** Our own record of a checkout, which everything the processor says is held against. */
export type Payment = {
  readonly id: string;
  /** Whose credit it is. */
  readonly bucket: string;
  readonly amount: NanoUsd;
  readonly state: PaymentState;
  /** The processor's id of the checkout. */
  readonly sessionId: string;
  readonly createdAt: number;
  /** When its state last changed, or when money of it last moved. */
  readonly changedAt: number;
  /** Of what went back to the buyer: the credit taken back, what was spent by then, and what is not yet either. */
  readonly takenBack: NanoUsd;
  readonly lost: NanoUsd;
  readonly outstanding: NanoUsd;
};

/** A payment as it begins. */
export const openPayment = (
  facts: Pick<Payment, "id" | "bucket" | "amount" | "sessionId" | "createdAt">,
): Payment => ({
  ...facts,
  state: "open",
  changedAt: facts.createdAt,
  takenBack: ZERO,
  lost: ZERO,
  outstanding: ZERO,
});

/** What one event of the processor says, in our words. */
export type PaymentEvent = CheckoutEvent | ReversalEvent | DisputeEvent;

export type CheckoutEvent = {
  readonly kind: "checkout";
  readonly sessionId: string;
  readonly state: Exclude<PaymentState, "open" | "refused">;
  readonly money: Money;
  /** What the processor calls the money's own movement; refunds and disputes name it. */
  readonly intentId: string | undefined;
};

/** Money goes back to the buyer; or, when `isVoid`, was to go back and does not. */
export type ReversalEvent = {
  readonly kind: "reversal";
  readonly id: string;
  readonly because: "refund" | "dispute";
  readonly intentId: string;
  readonly money: Money;
  readonly isVoid: boolean;
};

/** A buyer disputes a charge. It moves nothing before it is lost. */
export type DisputeEvent = { readonly kind: "disputed"; readonly intentId: string };

/** `amount` in nano-USD where the currency is `usd`; else the same number of hundredths of whatever it is. */
export type Money = { readonly currency: string; readonly amount: NanoUsd };

const NANO_PER_CENT = 10_000_000n;

/** `cents` whole, as processors write dollars. */
export const fromCents = (cents: number): NanoUsd => nanoUsd(BigInt(cents) * NANO_PER_CENT);

/** Undefined where the amount is no whole number of cents. */
export const toCents = (amount: NanoUsd): number | undefined =>
  amount % NANO_PER_CENT === 0n ? Number(amount / NANO_PER_CENT) : undefined;

/** What became of an event. */
export type EventOutcome =
  /** It belongs to no payment of ours: the processor's account may sell other things too. */
  | { readonly what: "unknown" }
  /** It says that something else was paid than the checkout was for. */
  | { readonly what: "refused"; readonly payment: Payment }
  | { readonly what: "changed" | "unchanged"; readonly payment: Payment };

/** What payments ask of storage. All of it is atomic, and safe to repeat. */
export type PaymentStore = {
  /** How many checkouts of a payer, since `since`, are neither paid nor over. */
  readonly countOpen: (bucket: string, since: number) => Promise<number>;
  /** Refuses when there are `openMax` of those. */
  readonly add: (
    payment: Payment,
    bound: { readonly openMax: number; readonly since: number },
  ) => Promise<"added" | "too_many">;
  /** A paid checkout becomes exactly one grant, in the transaction that marks it as paid. */
  readonly applyCheckout: (event: CheckoutEvent, at: number) => Promise<EventOutcome>;
  /** Takes back what nobody has leased; the rest stays outstanding. */
  readonly applyReversal: (event: ReversalEvent, at: number) => Promise<EventOutcome>;
  readonly findByIntent: (intentId: string) => Promise<Payment | undefined>;
  /** Some payments with something outstanding that nobody has taken on since `at - everyMs`. */
  readonly claimOutstanding: (at: number, everyMs: number) => Promise<readonly Payment[]>;
  /** Takes back what has come free meanwhile. */
  readonly collect: (paymentId: string, at: number) => Promise<Payment | undefined>;
  /** Newest first; of all payers when `bucket` is undefined. */
  readonly list: (bucket: string | undefined, count: number) => Promise<readonly Payment[]>;
};

/** A payment as people and programs see it. */
export const printPayment = (payment: Payment) => ({
  id: payment.id,
  amount_nano_usd: String(payment.amount),
  currency: "usd",
  state: payment.state,
  taken_back_nano_usd: String(payment.takenBack),
  lost_nano_usd: String(payment.lost),
  outstanding_nano_usd: String(payment.outstanding),
  created_at: printTime(payment.createdAt),
  changed_at: printTime(payment.changedAt),
});
