/**
 * Leases of rates: the same promises as of money, in counts that no ledger keeps. What was used of a minute is not
 * told here; it stays leased until the minute is over, whatever becomes of the node that used it.
 */
import type { Clock } from "../../kernel/clock.js";
import { RATE_KEPT_MS } from "../../kernel/limits.js";
import { type NanoUsd, nanoUsd } from "../../kernel/money.js";
import type { LeaseStore } from "../../ledger/store.js";
import type { Plans } from "../../tenants/plan.js";
import { endOfMinute, readRateBucket } from "../../tenants/rates.js";
import type { Database } from "../database.js";
import { recalls } from "../recalls.js";
import type { Tx } from "../schema.js";
import { recallState, returnRates } from "./rate-returns.js";
import { takeRate } from "./take-rate.js";

export type RateStore = LeaseStore & {
  /** What is leased of each of these buckets, by all nodes; those of which nothing is are left out. */
  readonly leased: (bucketIds: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  /** Forgets the counts of minutes that are long over. */
  readonly forgetMinutes: (now: number) => Promise<void>;
};

/** `plans` decides how much there is of each rate; `clock` when a minute is over. */
export function rateStore(database: Database, plans: Plans, clock: Clock): RateStore {
  const { db } = database;
  const isOver = (bucketId: string): boolean => {
    const { minute } = readRateBucket(bucketId);
    return minute !== undefined && endOfMinute(minute) <= clock.now();
  };
  return {
    ...recalls(database, "rate_leases", returnRates),

    takeLease: (request) => database.transact((tx) => takeRate(database, tx, plans, request)),

    endedLeases: async (node, bucketIds) => {
      const rows = await db
        .selectFrom("rate_leases")
        .select(["bucket", "taken", "returned"])
        .where("node", "=", node)
        .where("bucket", "in", bucketIds)
        .execute();
      const open = new Set(
        rows.filter((row) => row.taken > row.returned && !isOver(row.bucket)).map((r) => r.bucket),
      );
      const taken = new Map(rows.map((row) => [row.bucket, nanoUsd(row.taken)]));
      const ended = bucketIds.filter((id) => !open.has(id));
      return new Map(ended.map((id) => [id, leasesOf(id, taken.get(id))]));
    },

    dropLeases: (node, ended) =>
      database.transact(async (tx) => {
        for (const { account, taken } of [...ended.values()].flat()) {
          await tx
            .deleteFrom("rate_leases")
            .where("node", "=", node)
            .where("bucket", "=", account)
            // A lease that was taken up again meanwhile is no longer the one that ended.
            .where("taken", "=", taken)
            .$if(!isOver(account), (query) => query.whereRef("taken", "=", "returned"))
            .execute();
        }
      }),

    recallState: (node, bucketId, recall) => recallState(database, node, bucketId, recall),

    leased: async (bucketIds) => {
      if (bucketIds.length === 0) return new Map();
      const query = db.selectFrom("rates").select(["bucket", "leased"]);
      const rows = await query.where("bucket", "in", bucketIds).execute();
      return new Map(rows.map((row) => [row.bucket, Number(row.leased)]));
    },

    forgetMinutes: (now) =>
      database.transact((tx) => forgetMinutes(tx, BigInt(now - RATE_KEPT_MS))),
  };
}

const leasesOf = (account: string, taken: NanoUsd | undefined) =>
  taken === undefined ? [] : [{ account, taken }];

async function forgetMinutes(tx: Tx, before: bigint): Promise<void> {
  await tx
    .deleteFrom("rate_leases")
    .where("bucket", "in", (query) =>
      query.selectFrom("rates").select("bucket").where("ends_at", "<", before),
    )
    .execute();
  await tx.deleteFrom("rates").where("ends_at", "<", before).execute();
}
