import { sql, type Transaction } from "kysely";
import { nanoUsd, ZERO } from "../kernel/money.js";
import {
  type Bucket,
  EXPIRED,
  type Opening,
  openingTransfer,
  type Transfer,
} from "../ledger/account.js";
import type { CreditView, LedgerStore } from "../ledger/store.js";
import { auditLedger } from "./audit.js";
import { recordChange } from "./changes.js";
import type { Database } from "./database.js";
import {
  bySpendingOrder,
  dropLeases,
  endedLeases,
  giveBack,
  lockAccounts,
  locking,
  recallState,
  takeLease,
} from "./leases.js";
import { claimStore } from "./nodes.js";
import type { Schema } from "./schema.js";
import { applySettlements } from "./settlements.js";
import { post } from "./transfers.js";

type Tx = Transaction<Schema>;

export function ledgerStore(database: Database): LedgerStore {
  const { db } = database;
  return {
    ...claimStore(database),

    takeLease: (request) =>
      database.transact(async (tx) => {
        await openDue(database, tx, request.bucket);
        return takeLease(database, tx, request);
      }),

    returnLease: (node, returned) =>
      database.transact((tx) => returnLease(database, tx, node, returned)),

    endedLeases: (node, bucketIds) => endedLeases(db, node, bucketIds),

    dropLeases: (node, ended) => database.transact((tx) => dropLeases(tx, node, ended)),

    askBack: (node, bucketId, at) =>
      database.transact((tx) =>
        recordChange(database, tx, { topic: "recall", key: bucketId, node, at }),
      ),

    answerRecall: (node, bucketId, recall, returned) =>
      database.transact(async (tx) => {
        await returnLease(database, tx, node, returned);
        await tx
          .updateTable("leases")
          .set({ recall_answered: recall })
          .where("node", "=", node)
          .where("bucket", "=", bucketId)
          .where("recall_answered", "<", BigInt(recall))
          .execute();
      }),

    recallState: (node, bucketId, recall, now) => recallState(db, { node, bucketId, recall, now }),

    applySettlements: (batch) => applySettlements(database, batch),

    spoolPosition: async (node) => {
      const query = db.selectFrom("nodes").select(["segment", "offset"]).where("id", "=", node);
      const row = await query.executeTakeFirst();
      return row && { segment: Number(row.segment), offset: Number(row.offset) };
    },

    isDurable: database.isDurable,

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

async function returnLease(
  database: Database,
  tx: Tx,
  node: string,
  returned: ReadonlyMap<string, bigint>,
): Promise<void> {
  await lockAccounts(database, tx, [...returned.keys()]);
  for (const [account, total] of returned) await giveBack(tx, node, account, total);
}

/** Cheap when there is nothing to open, which is nearly always. */
async function openDue(database: Database, tx: Tx, bucket: Bucket): Promise<void> {
  if (bucket.due.length === 0) return;
  const ids = bucket.due.map((opening) => opening.id);
  const known = await tx.selectFrom("accounts").select("id").where("id", "in", ids).execute();
  const isKnown = new Set(known.map((row) => row.id));
  for (const opening of bucket.due) if (!isKnown.has(opening.id)) await open(database, tx, opening);
}

/** Opens an account and fills it, once. */
export async function open(database: Database, tx: Tx, opening: Opening): Promise<void> {
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

/** What refunds took back of bought credit was not spent. */
async function takenBackOf(tx: Tx, bucketId: string): Promise<bigint> {
  const row = await tx
    .selectFrom("payments")
    .select(sql<bigint>`cast(coalesce(sum(taken_back), 0) as bigint)`.as("sum"))
    .where("bucket", "=", bucketId)
    .executeTakeFirstOrThrow();
  return row.sum;
}

async function creditOf(tx: Tx, bucketId: string, now: number): Promise<CreditView> {
  const rows = await tx
    .selectFrom("accounts")
    .selectAll()
    .where("bucket", "=", bucketId)
    .where((e) => e.or([e("expires_at", "is", null), e("expires_at", ">", BigInt(now))]))
    .execute();
  const gone = rows.reduce((sum, row) => sum + row.granted - row.balance, 0n);
  const spent = gone - (await takenBackOf(tx, bucketId));
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
