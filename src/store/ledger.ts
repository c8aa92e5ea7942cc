import { type SelectQueryBuilder, sql, type Transaction } from "kysely";
import { type NanoUsd, nanoUsd, ZERO } from "../kernel/money.js";
import {
  type Bucket,
  EXPIRED,
  type Opening,
  openingTransfer,
  type Transfer,
} from "../ledger/account.js";
import { type CreditView, type LeaseAnswer, type LedgerStore, leaseSize } from "../ledger/store.js";
import { auditLedger } from "./audit.js";
import { recordChange } from "./changes.js";
import type { Database } from "./database.js";
import type { Schema } from "./schema.js";
import { applySettlements } from "./settlements.js";
import { post } from "./transfers.js";

type Tx = Transaction<Schema>;

export function ledgerStore(database: Database): LedgerStore {
  const { db } = database;
  return {
    takeLease: (request) =>
      database.transact(async (tx) => {
        await openDue(database, tx, request.bucket);
        const accounts = await spendable(database, tx, request.bucket.id, request.now);
        const left = accounts.reduce((sum, account) => sum + account.left, 0n);
        let want: bigint = leaseSize(nanoUsd(left), request);
        const unleased = nanoUsd(left - want);
        for (const account of accounts) {
          const some = account.left < want ? account.left : want;
          if (some > 0n) await take(tx, request.node, request.bucket.id, account.id, some);
          want -= some;
        }
        return leaseAnswer(tx, request.node, request.bucket.id, unleased);
      }),

    returnLease: (node, returned) =>
      database.transact(async (tx) => {
        await lockAccounts(database, tx, [...returned.keys()]);
        for (const [account, total] of returned) await giveBack(tx, node, account, total);
      }),

    askBack: (node, bucketId, at) =>
      database.transact((tx) =>
        recordChange(database, tx, { topic: "recall", key: bucketId, node, at }),
      ),

    answerRecall: (node, bucketId, recall) =>
      database.transact(async (tx) => {
        await tx
          .updateTable("leases")
          .set({ recall_answered: recall })
          .where("node", "=", node)
          .where("bucket", "=", bucketId)
          .execute();
      }),

    isRecallAnswered: async (node, bucketId, recall) => {
      const waiting = await db
        .selectFrom("leases")
        .select("account")
        .where("bucket", "=", bucketId)
        .where("node", "!=", node)
        .where("recall_answered", "<", BigInt(recall))
        .where(outstanding, ">", 0n)
        .executeTakeFirst();
      return waiting === undefined;
    },

    applySettlements: (batch) => applySettlements(database, batch),

    spoolPosition: async (node) => {
      const query = db.selectFrom("nodes").select(["segment", "offset"]).where("id", "=", node);
      const row = await query.executeTakeFirst();
      return row && { segment: Number(row.segment), offset: Number(row.offset) };
    },

    openNode: (node, at) =>
      database.transact(async (tx) => {
        await tx
          .insertInto("nodes")
          .values({ id: node, opened_at: at, segment: 0, offset: 0 })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }),

    closeNode: (node) => database.transact((tx) => closeNode(database, tx, node)),

    grant: (opening) =>
      database.transact(async (tx) => {
        await open(database, tx, opening);
      }),

    expireGrants: (now) => database.transact((tx) => expireGrants(database, tx, now)),

    credit: (bucket, now) =>
      database.transact(async (tx) => {
        await openDue(database, tx, bucket);
        return creditOf(tx, bucket.id, now);
      }),

    audit: () => auditLedger(database),
  };
}

const outstanding = sql<bigint>`taken - returned - settled`;

/** Cheap when there is nothing to open, which is nearly always. */
async function openDue(database: Database, tx: Tx, bucket: Bucket): Promise<void> {
  if (bucket.due.length === 0) return;
  const ids = bucket.due.map((opening) => opening.id);
  const known = await tx.selectFrom("accounts").select("id").where("id", "in", ids).execute();
  const isKnown = new Set(known.map((row) => row.id));
  for (const opening of bucket.due) if (!isKnown.has(opening.id)) await open(database, tx, opening);
}

/** Opens an account and fills it, once. */
async function open(database: Database, tx: Tx, opening: Opening): Promise<void> {
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
    .returning("id")
    .execute();
  if (added.length > 0) await post(database, tx, [openingTransfer(opening)]);
}

/** As JavaScript orders them, whatever the database was set to: `moveBalances` locks accounts in that order. */
const byId = sql`id collate "C"`;

/** Reads accounts to change them. On SQLite a write transaction is alone as it is. */
const locking = <Row>(
  { engine }: Database,
  query: SelectQueryBuilder<Schema, "accounts", Row>,
): SelectQueryBuilder<Schema, "accounts", Row> =>
  engine === "sqlite" ? query : query.orderBy(byId).forUpdate();

/** Whoever changes what is leased locks the accounts first, then the leases. */
async function lockAccounts(database: Database, tx: Tx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await locking(database, tx.selectFrom("accounts").select("id").where("id", "in", ids)).execute();
}

/** What can be leased of a bucket's accounts, in spending order. */
async function spendable(
  database: Database,
  tx: Tx,
  bucketId: string,
  now: number,
): Promise<readonly { readonly id: string; readonly left: bigint }[]> {
  const query = tx
    .selectFrom("accounts")
    .select(["id", "balance", "leased", "opened_at", "expires_at"])
    .where("bucket", "=", bucketId)
    .where((e) => e.or([e("expires_at", "is", null), e("expires_at", ">", BigInt(now))]));
  const rows = await locking(database, query).execute();
  return rows.map((row) => ({ ...row, left: row.balance - row.leased })).sort(bySpendingOrder);
}

type Dated = {
  readonly id: string;
  readonly opened_at: bigint;
  readonly expires_at: bigint | null;
};

/** What expires first is spent first; then what is older. */
function bySpendingOrder(a: Dated, b: Dated): number {
  if (a.expires_at !== b.expires_at) {
    if (a.expires_at === null) return 1;
    if (b.expires_at === null) return -1;
    return a.expires_at < b.expires_at ? -1 : 1;
  }
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
  node: string,
  bucketId: string,
  unleased: NanoUsd,
): Promise<LeaseAnswer> {
  const rows = await tx
    .selectFrom("leases")
    .innerJoin("accounts", "accounts.id", "leases.account")
    .select(["node", "accounts.id", "taken", "returned", "settled", "expires_at", "opened_at"])
    .where("leases.bucket", "=", bucketId)
    .execute();
  const mine = rows.filter((row) => row.node === node).sort(bySpendingOrder);
  return {
    slices: mine.map((row) => ({
      account: row.id,
      expiresAt: row.expires_at === null ? undefined : Number(row.expires_at),
      taken: nanoUsd(row.taken),
    })),
    unleased,
    othersHold: rows.some((row) => row.node !== node && row.taken > row.returned + row.settled),
  };
}

/** `total` is all that was ever given back, so hearing it twice changes nothing. */
async function giveBack(tx: Tx, node: string, account: string, total: bigint): Promise<void> {
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

async function closeNode(database: Database, tx: Tx, node: string): Promise<void> {
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

async function expireGrants(database: Database, tx: Tx, now: number): Promise<number> {
  const query = tx
    .selectFrom("accounts")
    .select(["id", "balance", "leased"])
    .where("kind", "=", "grant")
    .where("expires_at", "<=", BigInt(now))
    .where(sql<bigint>`balance - leased`, ">", 0n);
  const rows = await locking(database, query).execute();
  const transfers = rows.map((row): Transfer => {
    const amount = nanoUsd(row.balance - row.leased);
    // What a lease gives back later expires later, under an id of its own, also within one millisecond.
    return {
      id: `expire:${row.id}:${now}:${row.balance}`,
      debit: row.id,
      credit: EXPIRED,
      amount,
      code: "expire",
      at: now,
    };
  });
  await post(database, tx, transfers);
  return transfers.length;
}

async function creditOf(tx: Tx, bucketId: string, now: number): Promise<CreditView> {
  const rows = await tx
    .selectFrom("accounts")
    .selectAll()
    .where("bucket", "=", bucketId)
    .where((e) => e.or([e("expires_at", "is", null), e("expires_at", ">", BigInt(now))]))
    .execute();
  const spent = rows.reduce((sum, row) => sum + row.granted - row.balance, 0n);
  return {
    accounts: rows.sort(bySpendingOrder).map((row) => ({
      id: row.id,
      kind: row.grant_kind ?? row.kind,
      granted: nanoUsd(row.granted),
      left: nanoUsd(row.balance),
      leased: nanoUsd(row.leased),
      expiresAt: row.expires_at === null ? undefined : Number(row.expires_at),
    })),
    spent: rows.length === 0 ? ZERO : nanoUsd(spent),
  };
}
