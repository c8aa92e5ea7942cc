/** Accounts of somebody's: locking them, the order they are spent in, opening them, and changing what was put into them. */
import { type Selectable, type SelectQueryBuilder, sql } from "kysely";
import { badRequest } from "../../kernel/errors.js";
import { formatUsd, type NanoUsd, nanoUsd } from "../../kernel/money.js";
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

/** As JavaScript orders them, whatever the database was set to: `Moves` writes accounts in that order. */
const byId = sql`id collate "C"`;

/** Reads accounts to change them. On SQLite a write transaction is alone as it is. */
export const locking = <Row>(
  { engine }: Database,
  query: SelectQueryBuilder<Schema, "accounts", Row>,
): SelectQueryBuilder<Schema, "accounts", Row> =>
  engine === "sqlite" ? query : query.orderBy(byId).forUpdate();

/** Whoever changes what is leased locks the accounts first, then the leases. */
export async function lockAccounts(
  database: Database,
  tx: Tx,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  await locking(database, tx.selectFrom("accounts").select("id").where("id", "in", ids)).execute();
}

/** What could be leased of some accounts, all together. */
export const leftIn = (accounts: readonly OwnedRow[]): NanoUsd =>
  nanoUsd(accounts.reduce((sum, { balance, leased }) => sum + balance - leased, 0n));

type Spendable = {
  readonly id: string;
  readonly grant_kind: string | null;
  readonly opened_at: bigint;
  readonly expires_at: bigint | null;
};

/** Credit before what is spent on account; then what expires first; then what the plan includes; then what is older. */
export function bySpendingOrder(a: Spendable, b: Spendable): number {
  const isLast = (row: Spendable) => Number(row.grant_kind === "pay_as_you_go");
  if (isLast(a) !== isLast(b)) return isLast(a) - isLast(b);
  if (a.expires_at !== b.expires_at) {
    if (a.expires_at === null) return 1;
    if (b.expires_at === null) return -1;
    return a.expires_at < b.expires_at ? -1 : 1;
  }
  const isLater = (row: Spendable) => Number(row.grant_kind !== "plan");
  if (isLater(a) !== isLater(b)) return isLater(a) - isLater(b);
  if (a.opened_at !== b.opened_at) return a.opened_at < b.opened_at ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

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
