import { sql } from "kysely";
import { nanoUsd } from "../../kernel/money.js";
import { restGoesTo, type Transfer } from "../../ledger/account.js";
import type { CreditView, LedgerStore } from "../../ledger/store.js";
import type { Plans } from "../../tenants/plan.js";
import type { Database } from "../database.js";
import { recalls } from "../recalls.js";
import type { Tx } from "../schema.js";
import { bySpendingOrder, leftIn, locking, type OwnedRow, open } from "./accounts.js";
import { auditLedger } from "./audit.js";
import { bringUpToDate } from "./entitlements.js";
import { recallState, releaseKeptBack } from "./kept-back.js";
import { dropLeases, endedLeases, returnLease } from "./lease-returns.js";
import { takeLease } from "./leases.js";
import { claimStore } from "./nodes.js";
import { applySettlements } from "./settlements.js";
import { sharedRows } from "./shared-rows.js";
import { post } from "./transfers.js";

const NO_PLANS: Plans = new Map();

/** `plans` decides what payers are due; without it nobody is due anything. */
export function ledgerStore(database: Database, plans = NO_PLANS): LedgerStore {
  const { db } = database;
  const shared = sharedRows(database);
  return {
    ...claimStore(database),
    ...recalls(database, "leases", returnLease),

    takeLease: (request) =>
      database.transact(async (tx) => {
        const accountsDue = () => bringUpToDate(database, tx, plans, request.bucketId, request.now);
        let accounts = await accountsDue();
        const left = leftIn(accounts);
        const isShort = left < request.need;
        if (isShort && (await releaseKeptBack(database, tx, left, request))) {
          // What came back may be more than is due by now.
          accounts = await accountsDue();
        }
        return takeLease(tx, request, accounts);
      }),

    endedLeases: (node, bucketIds) => endedLeases(db, node, bucketIds),

    dropLeases: (node, ended) => database.transact((tx) => dropLeases(tx, node, ended)),

    recallState: (node, bucketId, recall, now) => recallState(db, { node, bucketId, recall, now }),

    applySettlements: (batch) => applySettlements(database, shared, batch),

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

    expireAccounts: (now) => database.transact((tx) => expireAccounts(database, tx, now)),

    credit: (bucketId, now) =>
      database.transact(async (tx) =>
        creditOf(await bringUpToDate(database, tx, plans, bucketId, now)),
      ),

    audit: () => auditLedger(database),
  };
}

async function expireAccounts(database: Database, tx: Tx, now: number): Promise<number> {
  const query = tx
    .selectFrom("accounts")
    .selectAll()
    .where("kind", "in", ["grant", "limit"])
    .where("expires_at", "<=", BigInt(now))
    .where(sql<bigint>`balance - leased`, ">", 0n);
  const rows = (await locking(database, query).execute()) as OwnedRow[];
  const transfers = rows.map((row): Transfer => {
    // What a lease gives back later expires later, under an id of its own, also within one millisecond.
    return {
      id: `expire:${row.id}:${now}:${row.balance}`,
      debit: row.id,
      credit: restGoesTo({ kind: row.kind, grantKind: row.grant_kind, bucket: row.bucket }),
      amount: nanoUsd(row.balance - row.leased),
      code: "expire",
      at: now,
    };
  });
  await post(database, tx, transfers);
  return transfers.length;
}

const creditOf = (rows: readonly OwnedRow[]): CreditView => ({
  accounts: [...rows].sort(bySpendingOrder).map((row) => ({
    id: row.id,
    kind: row.grant_kind,
    granted: nanoUsd(row.granted),
    left: nanoUsd(row.balance),
    leased: nanoUsd(row.leased),
    expiresAt: row.expires_at === null ? undefined : Number(row.expires_at),
  })),
});
