/** What processes take of accounts and give back, within a transaction. Accounts are locked in the order of ids. */
import { type Kysely, type SelectQueryBuilder, type SqlBool, sql } from "kysely";
import { least, type NanoUsd, nanoUsd } from "../../kernel/money.js";
import {
  type EndedLeases,
  type LeaseAnswer,
  type LedgerStore,
  leaseSize,
  type RecallState,
} from "../../ledger/store.js";
import type { Database } from "../database.js";
import type { Schema, Tx } from "../schema.js";
import type { OwnedRow } from "./accounts.js";
import type { DueAccount } from "./entitlements.js";

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
  const left = leftIn(locked);
  let want: bigint = leaseSize(left, request);
  const rest = nanoUsd(left - want);
  for (const account of accounts) {
    const some = account.left < want ? account.left : want;
    if (some > 0n) await take(tx, node, bucketId, account.id, some);
    want -= some;
  }
  const over = new Set(locked.filter(({ isOver }) => isOver).map(({ id }) => id));
  return leaseAnswer(tx, request, rest, over);
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

/** What could be leased of some accounts, all together. */
export const leftIn = (accounts: readonly OwnedRow[]): NanoUsd =>
  nanoUsd(accounts.reduce((sum, { balance, leased }) => sum + balance - leased, 0n));

const isLive = (now: number) =>
  sql<SqlBool>`(accounts.expires_at is null or accounts.expires_at > ${BigInt(now)})`;

/**
 * Gives back what fenced nodes had leased of a bucket, as far as that is needed and helps. It goes last and
 * sparingly, because the spools of those nodes may hold charges that only it can pay. Returns whether it did.
 */
export async function releaseKeptBack(
  database: Database,
  tx: Tx,
  left: NanoUsd,
  request: LeaseRequest,
): Promise<boolean> {
  const query = keptBack(tx, request.bucketId, request.now);
  const accounts = (await query.execute()).map(({ account }) => account);
  if (accounts.length === 0) return false;
  await lockAccounts(database, tx, accounts);
  const kept = await query.where("account", "in", accounts).execute();
  const most = nanoUsd(left + kept.reduce((sum, { out }) => sum + out, 0n));
  let missing = leaseSize(most, { ...request, isSparing: true }) - left;
  if (missing <= 0n) return false;
  for (const { node, account, returned, out } of kept) {
    const some = least(nanoUsd(out), nanoUsd(missing));
    await giveBack(tx, node, account, returned + some);
    missing -= some;
    if (missing === 0n) break;
  }
  return true;
}

const keptBack = (db: Kysely<Schema>, bucketId: string, now: number) =>
  db
    .selectFrom("leases")
    .innerJoin("nodes", "nodes.id", "leases.node")
    .innerJoin("accounts", "accounts.id", "leases.account")
    .select(["node", "account", "returned", outstanding.as("out")])
    .where("leases.bucket", "=", bucketId)
    .where("fenced_at", "is not", null)
    .where(outstanding, ">", 0n)
    .where(isLive(now));

/** Reads only; whoever wants to have what it tells of takes a lease. */
export async function recallState(
  db: Kysely<Schema>,
  asked: {
    readonly node: string;
    readonly bucketId: string;
    readonly recall: number;
    readonly now: number;
  },
): Promise<RecallState> {
  const { node, bucketId, recall, now } = asked;
  const waiting = db
    .selectFrom("leases")
    .leftJoin("nodes", "nodes.id", "leases.node")
    .select("account")
    .where("leases.bucket", "=", bucketId)
    .where("node", "!=", node)
    .where("recall_answered", "<", BigInt(recall))
    .where(outstanding, ">", 0n)
    // Nobody waits for a fenced one: what it has is taken without asking.
    .where("fenced_at", "is", null);
  const isAnswered = (await waiting.executeTakeFirst()) === undefined;
  const free = await db
    .selectFrom("accounts")
    .select(sql<bigint>`cast(coalesce(sum(balance - leased), 0) as bigint)`.as("unleased"))
    .where("bucket", "=", bucketId)
    .where(isLive(now))
    .executeTakeFirstOrThrow();
  const kept = await keptBack(db, bucketId, now).execute();
  return {
    isAnswered,
    unleased: nanoUsd(free.unleased + kept.reduce((sum, { out }) => sum + out, 0n)),
  };
}

/** Of a lease: neither given back, nor settled and drained. */
export const outstanding = sql<bigint>`(leases.taken - leases.returned - leases.settled)`;

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
      returned: nanoUsd(row.returned),
      settled: nanoUsd(row.settled),
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
    .select(["returned", outstanding.as("out")])
    .where("node", "=", node)
    .where("account", "=", account)
    .executeTakeFirst();
  if (!lease) return;
  // Of a fenced node's lease others may have had a part already.
  const more = least(nanoUsd(total - lease.returned), nanoUsd(lease.out));
  if (more <= 0n) return;
  await tx
    .updateTable("leases")
    .set({ returned: lease.returned + more })
    .where("node", "=", node)
    .where("account", "=", account)
    .execute();
  await tx
    .updateTable("accounts")
    .set({ leased: sql`leased - ${more}` })
    .where("id", "=", account)
    .execute();
}

/** Gives back all that a node has leased, and forgets its leases. */
export async function closeLeases(database: Database, tx: Tx, node: string): Promise<void> {
  const query = tx
    .selectFrom("leases")
    .select(["account", "taken", "settled"])
    .where("node", "=", node);
  const accounts = (await query.execute()).map(({ account }) => account);
  if (accounts.length === 0) return;
  await lockAccounts(database, tx, accounts);
  // Only what is locked: a lease that appears meanwhile stays.
  for (const lease of await query.where("account", "in", accounts).execute()) {
    await giveBack(tx, node, lease.account, lease.taken - lease.settled);
  }
  await tx.deleteFrom("leases").where("node", "=", node).where("account", "in", accounts).execute();
}

/** Reads only, so that its answer may get lost. */
export async function endedLeases(
  tx: Kysely<Schema>,
  node: string,
  bucketIds: readonly string[],
): Promise<EndedLeases> {
  const rows = await tx
    .selectFrom("leases")
    .select(["account", "bucket", "taken", outstanding.as("out")])
    .where("node", "=", node)
    .where("bucket", "in", bucketIds)
    .execute();
  const byBucket = Map.groupBy(rows, ({ bucket }) => bucket);
  return new Map(
    bucketIds
      .map((id) => [id, byBucket.get(id) ?? []] as const)
      .filter(([, leases]) => leases.every(({ out }) => out === 0n))
      .map(([id, leases]) => [
        id,
        leases.map(({ account, taken }) => ({ account, taken: nanoUsd(taken) })),
      ]),
  );
}

export async function dropLeases(tx: Tx, node: string, ended: EndedLeases): Promise<void> {
  for (const { account, taken } of [...ended.values()].flat()) {
    await tx
      .deleteFrom("leases")
      .where("node", "=", node)
      .where("account", "=", account)
      // A lease that was taken up again meanwhile is no longer the one that ended.
      .where("taken", "=", taken)
      .where(outstanding, "=", 0n)
      .execute();
  }
}
