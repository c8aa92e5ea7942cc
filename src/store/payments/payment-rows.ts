/** Rows of payments, and what they stand for. */
import type { Selectable } from "kysely";
import { nanoUsd } from "../../kernel/money.js";
import type { Payment, PaymentState } from "../../ledger/payment.js";
import type { Schema, Tx } from "../schema.js";

export type PaymentRow = Selectable<Schema["payments"]>;

export const rowBy = (
  db: Pick<Tx, "selectFrom">,
  column: "id" | "session_id" | "intent_id",
  value: string,
): Promise<PaymentRow | undefined> =>
  db.selectFrom("payments").selectAll().where(column, "=", value).executeTakeFirst();

export const toPayment = (row: PaymentRow): Payment => ({
  id: row.id,
  bucket: row.bucket,
  amount: nanoUsd(row.amount),
  state: row.state as PaymentState,
  sessionId: row.session_id,
  createdAt: Number(row.created_at),
  changedAt: Number(row.changed_at),
  takenBack: nanoUsd(row.taken_back),
  lost: nanoUsd(row.lost),
  outstanding: nanoUsd(row.outstanding),
});

/** The row of a payment that was just opened: nothing of it was paid or reversed yet. */
export const fromOpened = (payment: Payment) => ({
  id: payment.id,
  bucket: payment.bucket,
  amount: payment.amount,
  state: payment.state,
  session_id: payment.sessionId,
  created_at: payment.createdAt,
  changed_at: payment.changedAt,
  intent_id: null,
  grant_id: null,
  taken_back: 0n,
  lost: 0n,
  outstanding: 0n,
  moves: 0,
  claimed_at: 0,
});
