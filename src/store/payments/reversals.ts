/** Refunds and lost disputes, and how the grant of a payment follows them, within a transaction. */
import { type Selectable, sql } from "kysely";
import { least, type NanoUsd, nanoUsd, ZERO } from "../../kernel/money.js";
import type { ReversalEvent } from "../../ledger/payment.js";
import { movesToward, transfersOf } from "../../ledger/reversal.js";
import type { Database } from "../database.js";
import { locking } from "../ledger/accounts.js";
import { post } from "../ledger/transfers.js";
import type { Schema, Tx } from "../schema.js";

type Row = Selectable<Schema["payments"]>;

/** Void once is void for ever: news that is older may come later. */
export async function recordReversal(tx: Tx, event: ReversalEvent, at: number): Promise<void> {
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
export async function forgetUnmatched(tx: Tx, before: number): Promise<void> {
  await tx
    .deleteFrom("payment_reversals")
    .where("at", "<", BigInt(before))
    .where("intent_id", "not in", (e) =>
      e.selectFrom("payments").select("intent_id").where("intent_id", "is not", null),
    )
    .execute();
}

/** Brings the grant of a payment as near to what its reversals ask for as can be at this moment. */
export async function followReversals(
  database: Database,
  tx: Tx,
  row: Row,
  at: number,
): Promise<Row> {
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
async function dueOf(tx: Tx, row: Row, intentId: string): Promise<NanoUsd> {
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
