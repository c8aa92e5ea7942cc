/**
 * Leases of rates: the same promises as of money, in counts that no ledger keeps. What was used of a minute is not
 * told here; it stays leased until the minute is over, whatever becomes of the node that used it.
 */
import { sql } from "kysely";
import type { Clock } from "../../kernel/clock.js";
import { RATE_KEPT_MS, RATE_MAX } from "../../kernel/limits.js";
import { least, type NanoUsd, nanoUsd } from "../../kernel/money.js";
import {
  type LeaseAnswer,
  type LeaseStore,
  leaseSize,
  type RecallState,
} from "../../ledger/store.js";
import type { Plans } from "../../tenants/plan.js";
import { endOfMinute, readRateBucket } from "../../tenants/rates.js";
import { recordChange } from "../changes.js";
import { type Database, lockingRow } from "../database.js";
import type { Tx } from "../schema.js";
import { rateDue } from "./rate-limits.js";

export type RateStore = LeaseStore & {
  /** What is leased of each of these buckets, by all nodes; those of which nothing is are left out. */
  readonly leased: (bucketIds: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  /** Forgets the counts of minutes that are long over. */
  readonly forgetMinutes: (now: number) => Promise<void>;
};

export function rateStore(database: Database, plans: Plans, clock: Clock): RateStore {
  const { db } = database;
  const isOver = (bucketId: string): boolean => {
    const { minute } = readRateBucket(bucketId);
    return minute !== undefined && endOfMinute(minute) <= clock.now();
  };
  return {
    takeLease: (request) => database.transact((tx) => takeLease(database, tx, plans, request)),

    returnLease: (node, returned) =>
      database.transact((tx) => returnLease(database, tx, node, returned)),

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

    askBack: (node, bucketId, at) =>
      database.transact((tx) =>
        recordChange(database, tx, { topic: "recall", key: bucketId, node, at }),
      ),

    answerRecall: (node, bucketId, recall, returned) =>
      database.transact(async (tx) => {
        await returnLease(database, tx, node, returned);
        await tx
          .updateTable("rate_leases")
          .set({ recall_answered: recall })
          .where("node", "=", node)
          .where("bucket", "=", bucketId)
          .where("recall_answered", "<", BigInt(recall))
          .execute();
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

type LeaseRequest = Parameters<LeaseStore["takeLease"]>[0];

async function takeLease(
  database: Database,
  tx: Tx,
  plans: Plans,
  request: LeaseRequest,
): Promise<LeaseAnswer> {
  const { node, bucketId } = request;
  // A limit that is gone by now is one that nobody is held to.
  const most = BigInt((await rateDue(database, tx, plans, bucketId)) ?? RATE_MAX);
  let leased = await openRate(database, tx, bucketId, most);
  if (most - leased < request.need) leased -= await takeFromFenced(tx, bucketId);
  const left = nanoUsd(most > leased ? most - leased : 0n);
  const some = leaseSize(left, request);
  if (some > 0n) await take(tx, node, bucketId, some);
  const rows = await tx
    .selectFrom("rate_leases")
    .selectAll()
    .where("bucket", "=", bucketId)
    .execute();
  const mine = rows.filter((row) => row.node === node);
  return {
    slices: mine.map(({ taken, returned }) => ({
      account: bucketId,
      expiresAt: undefined,
      taken: nanoUsd(taken),
      returned: nanoUsd(returned),
      settled: nanoUsd(0n),
      isOver: leased > most,
    })),
    unleased: nanoUsd(left - some),
    othersHold: rows.some((row) => row.node !== node && row.taken > row.returned),
  };
}

/** Opens a bucket where it is not, sets it to what its limit is by now, and locks it. Returns what is leased of it. */
async function openRate(database: Database, tx: Tx, bucket: string, most: bigint): Promise<bigint> {
  const { minute } = readRateBucket(bucket);
  const ends_at = minute === undefined ? null : endOfMinute(minute);
  await tx
    .insertInto("rates")
    .values({ bucket, most, leased: 0n, ends_at })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const query = tx.selectFrom("rates").selectAll().where("bucket", "=", bucket);
  const row = await lockingRow(database, query).executeTakeFirstOrThrow();
  if (row.most !== most) {
    await tx.updateTable("rates").set({ most }).where("bucket", "=", bucket).execute();
  }
  return row.leased;
}

async function take(tx: Tx, node: string, bucket: string, amount: NanoUsd): Promise<void> {
  const granted = await tx
    .updateTable("rates")
    .set({ leased: sql`leased + ${amount}` })
    .where("bucket", "=", bucket)
    .where(sql<bigint>`most - leased`, ">=", amount)
    .returning("bucket")
    .execute();
  if (granted.length === 0) throw new Error(`${bucket} has less than was read under lock`);
  await tx
    .insertInto("rate_leases")
    .values({ node, bucket, taken: amount, returned: 0n, recall_answered: 0n })
    .onConflict((conflict) =>
      conflict
        .columns(["bucket", "node"])
        .doUpdateSet({ taken: sql`rate_leases.taken + excluded.taken` }),
    )
    .execute();
}

/**
 * Ends what fenced nodes have of requests at once: they can begin none any more. Of a minute nobody knows what they
 * used, so all of it counts as used. Returns how much came back.
 */
async function takeFromFenced(tx: Tx, bucket: string): Promise<bigint> {
  if (readRateBucket(bucket).minute !== undefined) return 0n;
  const gone = await tx
    .deleteFrom("rate_leases")
    .where("bucket", "=", bucket)
    .where("node", "in", (query) =>
      query.selectFrom("nodes").select("id").where("fenced_at", "is not", null),
    )
    .returning(["taken", "returned"])
    .execute();
  const back = gone.reduce((sum, { taken, returned }) => sum + taken - returned, 0n);
  if (back > 0n) await addToLeased(tx, bucket, -back);
  return back;
}

const addToLeased = (tx: Tx, bucket: string, by: bigint) =>
  tx
    .updateTable("rates")
    .set({ leased: sql`leased + ${by}` })
    .where("bucket", "=", bucket)
    .execute();

/** `returned` tells all that was ever given back, so hearing it twice changes nothing. */
async function returnLease(
  database: Database,
  tx: Tx,
  node: string,
  returned: ReadonlyMap<string, NanoUsd>,
): Promise<void> {
  for (const [bucket, total] of [...returned].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await lockRates(database, tx, [bucket]);
    const lease = await tx
      .selectFrom("rate_leases")
      .select(["taken", "returned"])
      .where("node", "=", node)
      .where("bucket", "=", bucket)
      .executeTakeFirst();
    if (!lease || total <= lease.returned) continue;
    const now = least(total, nanoUsd(lease.taken));
    await tx
      .updateTable("rate_leases")
      .set({ returned: now })
      .where("node", "=", node)
      .where("bucket", "=", bucket)
      .execute();
    await addToLeased(tx, bucket, lease.returned - now);
  }
}

/** Whoever changes leases locks their buckets first. */
async function lockRates(database: Database, tx: Tx, buckets: readonly string[]): Promise<void> {
  if (database.engine === "sqlite") return;
  await tx
    .selectFrom("rates")
    .select("bucket")
    .where("bucket", "in", buckets)
    .orderBy(sql`bucket collate "C"`)
    .forUpdate()
    .execute();
}

/** Reads only; whoever wants to have what it tells of takes a lease. */
async function recallState(
  { db }: Database,
  node: string,
  bucketId: string,
  recall: number,
): Promise<RecallState> {
  const others = await db
    .selectFrom("rate_leases")
    .leftJoin("nodes", "nodes.id", "rate_leases.node")
    .select(["taken", "returned", "recall_answered", "fenced_at"])
    .where("bucket", "=", bucketId)
    .where("node", "!=", node)
    .whereRef("taken", ">", "returned")
    .execute();
  const rate = await db
    .selectFrom("rates")
    .select(["most", "leased", "ends_at"])
    .where("bucket", "=", bucketId)
    .executeTakeFirst();
  const fenced = others.filter(({ fenced_at }) => fenced_at !== null);
  const kept = fenced.reduce((sum, { taken, returned }) => sum + taken - returned, 0n);
  const left = (rate?.most ?? 0n) - (rate?.leased ?? 0n) + (rate?.ends_at === null ? kept : 0n);
  return {
    isAnswered: others.every(
      ({ recall_answered, fenced_at }) => fenced_at !== null || recall_answered >= BigInt(recall),
    ),
    unleased: nanoUsd(left > 0n ? left : 0n),
  };
}

/** Forgets the leases of a node that is gone. Requests at once come back; what it had of a minute counts as used. */
export async function closeRateLeases(database: Database, tx: Tx, node: string): Promise<void> {
  const query = tx
    .selectFrom("rate_leases")
    .select(["bucket", "taken", "returned"])
    .where("node", "=", node);
  const buckets = (await query.execute()).map(({ bucket }) => bucket);
  if (buckets.length === 0) return;
  await lockRates(database, tx, buckets);
  // Only what is locked: a lease that appears meanwhile stays.
  for (const { bucket, taken, returned } of await query.where("bucket", "in", buckets).execute()) {
    if (readRateBucket(bucket).minute !== undefined) continue;
    await addToLeased(tx, bucket, returned - taken);
  }
  await tx
    .deleteFrom("rate_leases")
    .where("node", "=", node)
    .where("bucket", "in", buckets)
    .execute();
}

async function forgetMinutes(tx: Tx, before: bigint): Promise<void> {
  await tx
    .deleteFrom("rate_leases")
    .where("bucket", "in", (query) =>
      query.selectFrom("rates").select("bucket").where("ends_at", "<", before),
    )
    .execute();
  await tx.deleteFrom("rates").where("ends_at", "<", before).execute();
}
