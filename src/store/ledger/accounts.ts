/** Opening accounts and changing what was put into them, within a transaction that has them locked. */
import { type Selectable, sql } from "kysely";
import { badRequest } from "../../kernel/errors.js";
import { formatUsd } from "../../kernel/money.js";
import { type Opening, OUTSIDE, openingTransfer, resizeTransfer } from "../../ledger/account.js";
import type { Database } from "../database.js";
import type { Schema, Tx } from "../schema.js";
import { post } from "./transfers.js";

/** An account of somebody's: a grant or a limit. */
export type OwnedRow = Selectable<Schema["accounts"]> & {
  readonly kind: Opening["kind"];
  readonly grant_kind: Opening["grantKind"];
  readonly bucket: string;
};

/** All grants of all payers together; half of what a 64-bit integer holds, so that no balance comes near it. */
const GRANTED_MAX = 2n ** 62n;

/** Opens an account and fills it. Undefined when it is there already, whatever it was opened with. */
export async function open(
  database: Database,
  tx: Tx,
  opening: Opening,
): Promise<OwnedRow | undefined> {
  const added = await tx
    .insertInto("accounts")
    .values({
      id: opening.id,
      kind: opening.kind,
      grant_kind: opening.grantKind,
      bucket: opening.bucket,
      granted: opening.amount,
      balance: 0n,
      leased: 0n,
      opened_at: opening.openedAt,
      expires_at: opening.expiresAt ?? null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  if (!added) return undefined;
  // A limit of nothing has nothing to be filled with.
  if (opening.amount > 0n) {
    const transfer = openingTransfer(opening);
    await post(database, tx, [transfer]);
    if (transfer.debit === OUTSIDE) await checkTotal(tx);
  }
  return { ...added, balance: opening.amount } as OwnedRow;
}

/** The one account that grows with everything granted would be the first to leave the range of the store. */
async function checkTotal(tx: Tx): Promise<void> {
  const query = tx.selectFrom("accounts").select("balance").where("id", "=", OUTSIDE);
  const { balance } = await query.executeTakeFirstOrThrow();
  // SQLite turns a sum that is too large into a float.
  if (typeof balance === "bigint" && balance >= -GRANTED_MAX) return;
  throw badRequest(
    `All grants together may be at most $${formatUsd(GRANTED_MAX)}; this amount does not fit.`,
    "amount",
  );
}

/** Puts `by` more into an account, or takes it out below zero. Returns the account as it is then. */
export async function resize(
  database: Database,
  tx: Tx,
  row: OwnedRow,
  by: bigint,
  at: number,
): Promise<OwnedRow> {
  if (by === 0n) return row;
  const owned = { id: row.id, kind: row.kind, grantKind: row.grant_kind, bucket: row.bucket };
  const transfer = resizeTransfer(owned, { by, count: row.resizes + 1n, at });
  await post(database, tx, [transfer]);
  await tx
    .updateTable("accounts")
    .set({ granted: sql`granted + ${by}`, resizes: sql`resizes + 1` })
    .where("id", "=", row.id)
    .execute();
  if (transfer.debit === OUTSIDE) await checkTotal(tx);
  return {
    ...row,
    granted: row.granted + by,
    balance: row.balance + by,
    resizes: row.resizes + 1n,
  };
}
