/** What processes take of accounts and give back, within a transaction. Accounts are locked in the order of ids. */
import { type SelectQueryBuilder, sql, type Transaction } from "kysely";
import { type NanoUsd, nanoUsd } from "../kernel/money.js";
import { type LeaseAnswer, type LedgerStore, leaseSize } from "../ledger/store.js";
import type { Database } from "./database.js";
import type { DueAccount } from "./entitlements.js";
import type { Schema } from "./schema.js";

type Tx = Transaction<Schema>;

/** Sets aside as much of a bucket's accounts as `leaseSize` says, in spending order. The accounts are locked. */
export async function takeLease(
  tx: Tx,
  request: LeaseRequest,
  locked: readonly DueAccount[],
): Promise<LeaseAnswer> {
  const { node, bucketId } = request;
  const accounts = locked
    .map((row) => ({ ...row, left: row.balance - row.leased }))
    .sort(bySpendingOrder);
  const left = accounts.reduce((sum, account) => sum + account.left, 0n);
  let want: bigint = leaseSize(nanoUsd(left), request);
  const unleased = nanoUsd(left - want);
  for (const account of accounts) {
    const some = account.left < want ? account.left : want;
    if (some > 0n) await take(tx, node, bucketId, account.id, some);
    want -= some;
  }
  const over = new Set(locked.filter(({ isOver }) => isOver).map(({ id }) => id));
  return leaseAnswer(tx, request, unleased, over);
}

type LeaseRequest = Parameters<LedgerStore["takeLease"]>[0];

/** As JavaScript orders them, whatever the database was set to: `moveBalances` locks accounts in that order. */
export const byId = sql`id collate "C"`;

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

async function take(
  tx: Tx,
  node: string,
  bucket: string,
  account: string,
  amount: bigint,
): Promise<void> {
  const granted = await tx
    .updateTable("accounts")
    .set({ leased: sql`leased + ${amount}` })
    .where("id", "=", account)
    .where(sql<bigint>`balance - leased`, ">=", amount)
    .returning("id")
    .execute();
  if (granted.length === 0) throw new Error(`account ${account} has less than was read under lock`);
  await tx
    .insertInto("leases")
    .values({
      node,
      account,
      bucket,
      taken: amount,
      returned: 0n,
      settled: 0n,
      recall_answered: 0n,
    })
    .onConflict((conflict) =>
      conflict
        .columns(["node", "account"])
        .doUpdateSet({ taken: sql`leases.taken + excluded.taken` }),
    )
    .execute();
}

async function leaseAnswer(
  tx: Tx,
  { node, bucketId }: LeaseRequest,
  unleased: NanoUsd,
  over: ReadonlySet<string>,
): Promise<LeaseAnswer> {
  const rows = await tx
    .selectFrom("leases")
    .innerJoin("accounts", "accounts.id", "leases.account")
    .select(["node", "accounts.id", "taken", "returned", "settled"])
    .select(["grant_kind", "expires_at", "opened_at"])
    .where("leases.bucket", "=", bucketId)
    .execute();
  const mine = rows.filter((row) => row.node === node).sort(bySpendingOrder);
  return {
    slices: mine.map((row) => ({
      account: row.id,
      expiresAt: row.expires_at === null ? undefined : Number(row.expires_at),
      taken: nanoUsd(row.taken),
      isOver: over.has(row.id),
    })),
    unleased,
    othersHold: rows.some((row) => row.node !== node && row.taken > row.returned + row.settled),
  };
}

/** `total` is all that was ever given back, so hearing it twice changes nothing. */
export async function giveBack(
  tx: Tx,
  node: string,
  account: string,
  total: bigint,
): Promise<void> {
  const lease = await tx
    .selectFrom("leases")
    .select("returned")
    .where("node", "=", node)
    .where("account", "=", account)
    .executeTakeFirst();
  const more = total - (lease?.returned ?? total);
  if (more <= 0n) return;
  await tx
    .updateTable("leases")
    .set({ returned: total })
    .where("node", "=", node)
    .where("account", "=", account)
    .execute();
  await tx
    .updateTable("accounts")
    .set({ leased: sql`leased - ${more}` })
    .where("id", "=", account)
    .execute();
}

export async function closeNode(database: Database, tx: Tx, node: string): Promise<void> {
  const query = tx
    .selectFrom("leases")
    .select(["account", "taken", "settled"])
    .where("node", "=", node);
  const accounts = (await query.execute()).map(({ account }) => account);
  await lockAccounts(database, tx, accounts);
  for (const lease of await query.execute()) {
    await giveBack(tx, node, lease.account, lease.taken - lease.settled);
  }
  await tx.deleteFrom("leases").where("node", "=", node).execute();
}
