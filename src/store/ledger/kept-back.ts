/** What the store can still lease of a bucket, with what fenced nodes had leased of it. */
import { type Kysely, type SqlBool, sql } from "kysely";
import { least, type NanoUsd, nanoUsd } from "../../kernel/money.js";
import { type LeaseRequest, leaseSize, type RecallState } from "../../ledger/store.js";
import type { Database } from "../database.js";
import type { Schema, Tx } from "../schema.js";
import { lockAccounts } from "./accounts.js";
import { giveBack, outstanding } from "./lease-returns.js";

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
