/** What the processor tells of payments, applied within a transaction that no other event shares. */
import { UNMATCHED_REVERSAL_MS } from "../../kernel/limits.js";
import { nanoUsd } from "../../kernel/money.js";
import { extraGrant } from "../../ledger/account.js";
import {
  type CheckoutEvent,
  type EventOutcome,
  laterState,
  type PaymentState,
  type ReversalEvent,
} from "../../ledger/payment.js";
import type { Database } from "../database.js";
import { open as openAccount } from "../ledger/accounts.js";
import type { Tx } from "../schema.js";
import { type PaymentRow, rowBy, toPayment } from "./payment-rows.js";
import { followReversals, forgetUnmatched, recordReversal } from "./reversals.js";

/** A checkout was paid, or is over. What was paid becomes one grant, named for the checkout. */
export async function applyCheckout(
  database: Database,
  tx: Tx,
  event: CheckoutEvent,
  at: number,
): Promise<EventOutcome> {
  const row = await rowBy(tx, "session_id", event.sessionId);
  if (!row) return { what: "unknown" };
  const isOther = event.state === "paid" && !isPriceOf(row, event);
  const state = laterState(row.state as PaymentState, isOther ? "refused" : event.state);
  const isChanged = state !== row.state;
  const grantId =
    state === "paid" ? (row.grant_id ?? (await openGrant(database, tx, row, at))) : null;
  const told = await tx
    .updateTable("payments")
    .set({
      state,
      grant_id: grantId,
      intent_id: row.intent_id ?? event.intentId ?? null,
      ...(isChanged && { changed_at: at }),
    })
    .where("id", "=", row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  const payment = toPayment(await followReversals(database, tx, told, at));
  if (isOther) return { what: "refused", payment };
  return { what: isChanged ? "changed" : "unchanged", payment };
}

const isPriceOf = (row: PaymentRow, { money }: CheckoutEvent): boolean =>
  money.currency === "usd" && money.amount === row.amount;

async function openGrant(database: Database, tx: Tx, row: PaymentRow, at: number): Promise<string> {
  const opening = extraGrant(row.bucket, {
    id: row.session_id,
    kind: "purchased",
    amount: nanoUsd(row.amount),
    at,
    expiresAt: undefined,
  });
  await openAccount(database, tx, opening);
  return opening.id;
}

/** A refund or a dispute, or the end of one; kept for a while where its payment is not known yet. */
export async function applyReversal(
  database: Database,
  tx: Tx,
  event: ReversalEvent,
  at: number,
): Promise<EventOutcome> {
  const row = await rowBy(tx, "intent_id", event.intentId);
  if (event.money.currency !== "usd") {
    return row ? { what: "refused", payment: toPayment(row) } : { what: "unknown" };
  }
  await recordReversal(tx, event, at);
  if (!row) {
    await forgetUnmatched(tx, at - UNMATCHED_REVERSAL_MS);
    return { what: "unknown" };
  }
  const after = await followReversals(database, tx, row, at);
  return {
    what:
      after.moves === row.moves && after.outstanding === row.outstanding ? "unchanged" : "changed",
    payment: toPayment(after),
  };
}
