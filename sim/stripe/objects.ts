/**
 * Stripe's objects, with the members that matter here and some that must never matter: a buyer's name, address
 * and card. Source: Stripe's API reference, version 2026-10-28.endive, read 2026-11.
 */
import type { JsonObject } from "../json.js";

const API_VERSION = "2026-10-28.endive";

export type Session = {
  readonly id: string;
  readonly cents: number;
  readonly currency: string;
  readonly reference: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly intentId: string;
  status: "open" | "complete" | "expired";
  paymentStatus: "unpaid" | "paid";
  refunded: number;
};

export type Refund = {
  readonly id: string;
  readonly session: Session;
  readonly cents: number;
  status: "pending" | "succeeded" | "failed";
};

export type Dispute = {
  readonly id: string;
  readonly session: Session;
  status: "needs_response" | "won" | "lost" | "warning_closed";
};

export type StripeEvent = {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly object: JsonObject };
} & JsonObject;

const seconds = (ms: number): number => Math.floor(ms / 1_000);

/** Nobody's, and easy to find where it should not be. */
export const BUYER = {
  address: { city: "Nowhere", country: "US", line1: "1 Buyer Street", postal_code: "00000" },
  email: "buyer@example.test",
  name: "Berta Buyer",
};

export const CARD_DIGITS = "4242";

export const sessionObject = (session: Session, url: string): JsonObject => ({
  id: session.id,
  object: "checkout.session",
  adaptive_pricing: { enabled: false },
  amount_subtotal: session.cents,
  amount_total: session.cents,
  client_reference_id: session.reference,
  created: seconds(session.createdAt),
  currency: session.currency,
  customer_details: session.status === "complete" ? BUYER : null,
  expires_at: seconds(session.expiresAt),
  livemode: false,
  metadata: {},
  mode: "payment",
  payment_intent: session.status === "complete" ? session.intentId : null,
  payment_method_types: ["card"],
  payment_status: session.paymentStatus,
  status: session.status,
  ui_mode: "hosted_page",
  url: session.status === "open" ? url : null,
});

const cardDetails = {
  type: "card",
  card: { brand: "visa", last4: CARD_DIGITS, exp_month: 12, exp_year: 2034 },
};

export const refundObject = (refund: Refund, at: number): JsonObject => ({
  id: refund.id,
  object: "refund",
  amount: refund.cents,
  charge: `ch_${refund.session.intentId.slice(3)}`,
  created: seconds(at),
  currency: refund.session.currency,
  destination_details: { type: "card", card: { type: "refund" } },
  metadata: {},
  payment_intent: refund.session.intentId,
  reason: "requested_by_customer",
  status: refund.status,
});

export const disputeObject = (dispute: Dispute, at: number): JsonObject => ({
  id: dispute.id,
  object: "dispute",
  amount: dispute.session.cents,
  charge: `ch_${dispute.session.intentId.slice(3)}`,
  created: seconds(at),
  currency: dispute.session.currency,
  evidence: { customer_email_address: BUYER.email, customer_name: BUYER.name },
  metadata: {},
  payment_intent: dispute.session.intentId,
  payment_method_details: cardDetails,
  reason: "fraudulent",
  status: dispute.status,
});

export const eventObject = (
  type: string,
  object: JsonObject,
  facts: { readonly id: string; readonly at: number },
): StripeEvent => ({
  id: facts.id,
  object: "event",
  api_version: API_VERSION,
  created: seconds(facts.at),
  data: { object },
  livemode: false,
  pending_webhooks: 1,
  request: { id: null, idempotency_key: null },
  type,
});
