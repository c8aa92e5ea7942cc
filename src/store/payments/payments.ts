import type { Selectable } from "kysely";
import { UNMATCHED_REVERSAL_MS } from "../../kernel/limits.js";
import { nanoUsd } from "../../kernel/money.js";
import { extraGrant } from "../../ledger/account.js";
import {
  type CheckoutEvent,
  type EventOutcome,
  laterState,
  type Payment,
  type PaymentState,
  type PaymentStore,
  type ReversalEvent,
} from "../../ledger/payment.js";
import type { Database } from "../database.js";
import { open as openAccount } from "../ledger/accounts.js";
import type { Schema, Tx } from "../schema.js";
import { followReversals, forgetUnmatched, recordReversal } from "./reversals.js";

type Row = Selectable<Schema["payments"]>;

/** Payments one process takes on at a time. */
const CLAIMED_MAX = 20;

export function paymentStore(database: Database): PaymentStore {
  const { db } = database;
  const write = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> =>
    database.transact(async (tx) => {
      await database.lockPayments(tx);
      return work(tx);
    });
  return {
    countOpen: (bucket, since) => countOpen(db, bucket, since),

    add: (payment, { openMax, since }) =>
      write(async (tx) => {
        if ((await countOpen(tx, payment.bucket, since)) >= openMax) return "too_many";
        await tx
          .insertInto("payments")
          .values({
            id: payment.id,
            bucket: payment.bucket,
            amount: payment.amount,
            state: payment.state,
            session_id: payment.sessionId,
            created_at: payment.createdAt,
            changed_at: payment.changedAt,
            ...nothingReversed,
          })
          .execute();
        return "added";
      }),

    applyCheckout: (event, at) => write((tx) => applyCheckout(database, tx, event, at)),
    applyReversal: (event, at) => write((tx) => applyReversal(database, tx, event, at)),

    findByIntent: async (intentId) => {
      const row = await rowBy(db, "intent_id", intentId);
      return row && toPayment(row);
    },

    claimOutstanding: async (at, everyMs) => {
      // Asked every second, and there is nearly never anything: that must not cost a write.
      const waiting = await outstandingSince(db, at - everyMs).executeTakeFirst();
      return waiting ? write((tx) => claim(tx, at, everyMs)) : [];
    },

    collect: (paymentId, at) =>
      write(async (tx) => {
        const row = await rowBy(tx, "id", paymentId);
        return row && toPayment(await followReversals(database, tx, row, at));
      }),

    list: async (bucket, count) => {
      const query = db.selectFrom("payments").selectAll().orderBy("id", "desc").limit(count);
      const rows = await (bucket === undefined
        ? query
        : query.where("bucket", "=", bucket)
      ).execute();
      return rows.map(toPayment);
    },
  };
}

const outstandingSince = (db: Pick<Tx, "selectFrom">, claimedAt: number) =>
  db
    .selectFrom("payments")
    .select("id")
    .where("outstanding", ">", 0n)
    .where("claimed_at", "<=", BigInt(claimedAt))
    .orderBy("claimed_at")
    .limit(CLAIMED_MAX);

async function claim(tx: Tx, at: number, everyMs: number): Promise<readonly Payment[]> {
  const rows = await tx
    .updateTable("payments")
    .set({ claimed_at: at })
    .where("id", "in", outstandingSince(tx, at - everyMs))
    .returningAll()
    .execute();
  return rows.map(toPayment);
}

const nothingReversed = {
  intent_id: null,
  grant_id: null,
  taken_back: 0n,
  lost: 0n,
  outstanding: 0n,
  moves: 0,
  claimed_at: 0,
};

async function countOpen(
  db: Pick<Tx, "selectFrom">,
  bucket: string,
  since: number,
): Promise<number> {
  const { count } = await db
    .selectFrom("payments")
    .select((e) => e.fn.countAll<bigint>().as("count"))
    .where("bucket", "=", bucket)
    .where("state", "=", "open")
    .where("created_at", ">", BigInt(since))
    .executeTakeFirstOrThrow();
  return Number(count);
}

const rowBy = (
  db: Pick<Tx, "selectFrom">,
  column: "id" | "session_id" | "intent_id",
  value: string,
): Promise<Row | undefined> =>
  db.selectFrom("payments").selectAll().where(column, "=", value).executeTakeFirst();

async function applyCheckout(
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

const isPriceOf = (row: Row, { money }: CheckoutEvent): boolean =>
  money.currency === "usd" && money.amount === row.amount;

async function openGrant(database: Database, tx: Tx, row: Row, at: number): Promise<string> {
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

async function applyReversal(
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

const toPayment = (row: Row): Payment => ({
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
