import { type Selectable, sql, type Transaction } from "kysely";
import { UNMATCHED_REVERSAL_MS } from "../kernel/limits.js";
import { least, nanoUsd, ZERO } from "../kernel/money.js";
import { extraGrant } from "../ledger/account.js";
import {
  type CheckoutEvent,
  type EventOutcome,
  laterState,
  type Payment,
  type PaymentState,
  type PaymentStore,
  type ReversalEvent,
} from "../ledger/payment.js";
import { movesToward, transfersOf } from "../ledger/reversal.js";
import type { Database } from "./database.js";
import { locking } from "./leases.js";
import { open as openAccount } from "./ledger.js";
import type { Schema } from "./schema.js";
import { post } from "./transfers.js";

type Tx = Transaction<Schema>;
type Row = Selectable<Schema["payments"]>;

export function paymentStore(database: Database): PaymentStore {
  const { db } = database;
  const write = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> =>
    database.transact(async (tx) => {
      await database.lockPayments(tx);
      return work(tx);
    });
  return {
    add: (payment, { openMax, since }) =>
      write(async (tx) => {
        const { count } = await tx
          .selectFrom("payments")
          .select((e) => e.fn.countAll<bigint>().as("count"))
          .where("bucket", "=", payment.bucket)
          .where("state", "=", "open")
          .where("created_at", ">", BigInt(since))
          .executeTakeFirstOrThrow();
        if (count >= openMax) return "too_many";
        await tx
          .insertInto("payments")
          .values({
            id: payment.id,
            bucket: payment.bucket,
            amount: payment.amount,
            state: "open",
            session_id: payment.sessionId,
            created_at: payment.createdAt,
            changed_at: payment.createdAt,
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

    claimOutstanding: (at, everyMs) =>
      write(async (tx) => {
        const rows = await tx
          .updateTable("payments")
          .set({ claimed_at: at })
          .where("outstanding", ">", 0n)
          .where("claimed_at", "<=", BigInt(at - everyMs))
          .returningAll()
          .execute();
        return rows.map(toPayment);
      }),

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

const nothingReversed = {
  intent_id: null,
  grant_id: null,
  taken_back: 0n,
  lost: 0n,
  outstanding: 0n,
  moves: 0,
  claimed_at: 0,
};

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
  await record(tx, event, at);
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

/** Void once is void for ever: news that is older may come later. */
async function record(tx: Tx, event: ReversalEvent, at: number): Promise<void> {
  await tx
    .insertInto("payment_reversals")
    .values({
      id: event.id,
      intent_id: event.intentId,
      because: event.because,
      amount: event.money.amount,
      void: Number(event.isVoid),
      at,
    })
    .onConflict((conflict) =>
      conflict.column("id").doUpdateSet({
        void: sql`case when excluded.void = 1 then 1 else payment_reversals.void end`,
      }),
    )
    .execute();
}

/** The processor's account may sell other things, whose refunds are told to us as well. */
async function forgetUnmatched(tx: Tx, before: number): Promise<void> {
  await tx
    .deleteFrom("payment_reversals")
    .where("at", "<", BigInt(before))
    .where("intent_id", "not in", (e) =>
      e.selectFrom("payments").select("intent_id").where("intent_id", "is not", null),
    )
    .execute();
}

/** Brings the grant of a payment as near to what its reversals ask for as can be at this moment. */
async function followReversals(database: Database, tx: Tx, row: Row, at: number): Promise<Row> {
  if (row.grant_id === null || row.intent_id === null) return row;
  const due = await dueOf(tx, row, row.intent_id);
  const takenBack = nanoUsd(row.taken_back);
  const lost = nanoUsd(row.lost);
  if (due === takenBack + lost && row.outstanding === 0n) return row;
  const grant = await standing(database, tx, row.grant_id);
  const moves = movesToward(due, { takenBack, lost }, grant);
  const numbered = { id: row.id, grantId: row.grant_id, firstNumber: Number(row.moves) };
  const transfers = transfersOf(moves, numbered, at);
  await post(database, tx, transfers);
  const after = {
    taken_back: takenBack + moves.takeBack - moves.restore,
    lost: lost + moves.lose - moves.regain,
    moves: row.moves + BigInt(transfers.length),
  };
  return tx
    .updateTable("payments")
    .set({
      ...after,
      outstanding: due - after.taken_back - after.lost,
      ...(transfers.length > 0 && { changed_at: at }),
    })
    .where("id", "=", row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** What went back to the buyer, all told, and never more than they paid. */
async function dueOf(tx: Tx, row: Row, intentId: string) {
  const { sum } = await tx
    .selectFrom("payment_reversals")
    .select(sql<bigint>`cast(coalesce(sum(amount), 0) as bigint)`.as("sum"))
    .where("intent_id", "=", intentId)
    .where("void", "=", 0n)
    .executeTakeFirstOrThrow();
  return least(nanoUsd(sum), nanoUsd(row.amount));
}

async function standing(database: Database, tx: Tx, grantId: string) {
  const query = tx.selectFrom("accounts").select(["balance", "leased"]).where("id", "=", grantId);
  const grant = await locking(database, query).executeTakeFirst();
  return grant
    ? { unleased: nanoUsd(grant.balance - grant.leased), leased: nanoUsd(grant.leased) }
    : { unleased: ZERO, leased: ZERO };
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
