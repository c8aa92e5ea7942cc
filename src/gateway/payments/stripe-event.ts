/**
 * What Stripe's events say, in our words. Source: Stripe's API reference, "Types of events" and the objects in
 * them, read 2026-11. An event has the shape of the API version that the webhook endpoint was made with, so only
 * members are read that all of them share.
 */
import { z } from "zod";
import { badRequest } from "../../kernel/errors.js";
import { fromCents, type Money, type PaymentEvent } from "../../ledger/payment.js";

const cents = z.int().nonnegative();

/** An id, or the whole object where the endpoint was set to expand it. */
const reference = z.union([z.string(), z.object({ id: z.string() }).transform(({ id }) => id)]);

const sessionSchema = z.object({
  id: z.string(),
  payment_status: z.string(),
  amount_total: cents.nullable(),
  currency: z.string().nullable(),
  payment_intent: reference.nullish(),
});

const refundSchema = z.object({
  id: z.string(),
  amount: cents,
  currency: z.string(),
  payment_intent: reference.nullish(),
  status: z.string().nullable(),
});

const disputeSchema = refundSchema.extend({ status: z.string() });

type Session = z.output<typeof sessionSchema>;

const READERS: Readonly<Record<string, (object: unknown) => PaymentEvent | undefined>> = {
  // Complete is not paid: with a bank transfer or debit the money comes days later, or not at all.
  "checkout.session.completed": (object) => checkout(object, paidOrProcessing),
  "checkout.session.async_payment_succeeded": (object) => checkout(object, paidOrProcessing),
  "checkout.session.async_payment_failed": (object) => checkout(object, () => "failed"),
  "checkout.session.expired": (object) => checkout(object, () => "expired"),
  "refund.created": refund,
  "refund.updated": refund,
  "refund.failed": refund,
  "charge.refund.updated": refund,
  "charge.dispute.created": disputed,
  "charge.dispute.closed": disputeClosed,
};

const eventSchema = z.object({ type: z.string(), data: z.object({ object: z.unknown() }) });

/** Undefined for an event that concerns no payment. Throws `bad_request` for one that cannot be read. */
export function readStripeEvent(signed: unknown): PaymentEvent | undefined {
  const { type, data } = parse(eventSchema, signed, "the event");
  return Object.hasOwn(READERS, type) ? READERS[type]?.(data.object) : undefined;
}

const paidOrProcessing = ({ payment_status }: Session) =>
  payment_status === "unpaid" ? "processing" : "paid";

function checkout(
  object: unknown,
  stateOf: (session: Session) => "processing" | "paid" | "failed" | "expired",
): PaymentEvent {
  const session = parse(sessionSchema, object);
  return {
    kind: "checkout",
    sessionId: session.id,
    state: stateOf(session),
    money: moneyOf({ amount: session.amount_total ?? 0, currency: session.currency ?? "" }),
    intentId: session.payment_intent ?? undefined,
  };
}

/** A pending refund counts: the buyer is to get the money, so it cannot be spent here as well. */
function refund(object: unknown): PaymentEvent | undefined {
  const { id, payment_intent, status, ...money } = parse(refundSchema, object);
  if (!payment_intent) return undefined;
  return {
    kind: "reversal",
    id,
    because: "refund",
    intentId: payment_intent,
    money: moneyOf(money),
    isVoid: status === "failed" || status === "canceled",
  };
}

function disputed(object: unknown): PaymentEvent | undefined {
  const { payment_intent } = parse(disputeSchema, object);
  return payment_intent ? { kind: "disputed", intentId: payment_intent } : undefined;
}

/** Lost: the bank gave the money back. Won, perhaps on appeal after it was lost: it came to us after all. */
function disputeClosed(object: unknown): PaymentEvent | undefined {
  const { id, payment_intent, status, ...money } = parse(disputeSchema, object);
  if (!payment_intent || (status !== "lost" && status !== "won")) return undefined;
  return {
    kind: "reversal",
    id,
    because: "dispute",
    intentId: payment_intent,
    money: moneyOf(money),
    isVoid: status === "won",
  };
}

const moneyOf = (money: { readonly amount: number; readonly currency: string }): Money => ({
  currency: money.currency,
  amount: fromCents(money.amount),
});

function parse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  name = "data.object",
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = [name, ...(issue?.path ?? [])].join(".");
  throw badRequest(`"${field}" of what Stripe sent: ${issue?.message}`, field);
}
