import type { JsonObject } from "../json.js";
import { readWanted } from "./create-session.js";
import type { Form } from "./form.js";
import {
  type Dispute,
  disputeObject,
  eventObject,
  type Refund,
  refundObject,
  type Session,
  type StripeEvent,
  sessionObject,
} from "./objects.js";

/** One merchant's account: its checkouts, and what buyers, banks and the merchant do, each told as an event. */
export class StripeAccount {
  private readonly sessions = new Map<string, Session>();
  private readonly now: () => number;
  private count = 0;
  /** Where the pages of its checkouts are. */
  pages = "";

  constructor(now: () => number) {
    this.now = now;
  }

  /** The checkout that a form asks for, or what is wrong with the form. */
  create(form: Form): Session | { readonly refused: JsonObject } {
    const wanted = readWanted(form, this.now());
    if ("code" in wanted) return { refused: { ...wanted } };
    const session: Session = {
      id: this.newId("cs"),
      ...wanted,
      createdAt: this.now(),
      intentId: this.newId("pi"),
      status: "open",
      paymentStatus: "unpaid",
      refunded: 0,
    };
    this.sessions.set(session.id, session);
    return session;
  }

  print(session: Session): JsonObject {
    return sessionObject(session, `${this.pages}/${session.id}`);
  }

  sessionAt(url: string): Session {
    const session = this.sessions.get(url.slice(url.lastIndexOf("/") + 1));
    if (!session) throw new Error(`there is no checkout at ${url}`);
    return session;
  }

  /** A buyer pays by card. */
  pay(session: Session): StripeEvent {
    return this.complete(session, "paid");
  }

  /** A buyer orders a bank transfer, which arrives days later, or does not. */
  payLater(session: Session): StripeEvent {
    return this.complete(session, "unpaid");
  }

  arrive(session: Session): StripeEvent {
    session.paymentStatus = "paid";
    return this.told("checkout.session.async_payment_succeeded", this.print(session));
  }

  failToArrive(session: Session): StripeEvent {
    return this.told("checkout.session.async_payment_failed", this.print(session));
  }

  expire(session: Session): StripeEvent {
    requireOpen(session);
    session.status = "expired";
    return this.told("checkout.session.expired", this.print(session));
  }

  /** The merchant gives some or all of it back. */
  refund(
    session: Session,
    cents: number,
    status: Refund["status"] = "succeeded",
  ): { readonly refund: Refund; readonly event: StripeEvent } {
    if (session.refunded + cents > session.cents) throw new Error("more than was paid");
    session.refunded += cents;
    const refund: Refund = { id: this.newId("re"), session, cents, status };
    return { refund, event: this.told("refund.created", refundObject(refund, this.now())) };
  }

  failRefund(refund: Refund): StripeEvent {
    refund.status = "failed";
    refund.session.refunded -= refund.cents;
    return this.told("refund.failed", refundObject(refund, this.now()));
  }

  dispute(session: Session): { readonly dispute: Dispute; readonly event: StripeEvent } {
    const dispute: Dispute = { id: this.newId("du"), session, status: "needs_response" };
    const object = disputeObject(dispute, this.now());
    return { dispute, event: this.told("charge.dispute.created", object) };
  }

  closeDispute(dispute: Dispute, status: Dispute["status"]): StripeEvent {
    dispute.status = status;
    return this.told("charge.dispute.closed", disputeObject(dispute, this.now()));
  }

  /** Also for whatever else happens in an account. */
  told(type: string, object: JsonObject): StripeEvent {
    return eventObject(type, object, { id: this.newId("evt"), at: this.now() });
  }

  private complete(session: Session, paymentStatus: Session["paymentStatus"]): StripeEvent {
    requireOpen(session);
    session.status = "complete";
    session.paymentStatus = paymentStatus;
    return this.told("checkout.session.completed", this.print(session));
  }

  private newId(prefix: string): string {
    return `${prefix}_test_${String(++this.count).padStart(8, "0")}`;
  }
}

function requireOpen({ id, status }: Session): void {
  if (status !== "open") throw new Error(`checkout ${id} is ${status}`);
}
