/** What processes take of rates, within a transaction. */
import { sql } from "kysely";
import { RATE_MAX } from "../../kernel/limits.js";
import { type NanoUsd, nanoUsd } from "../../kernel/money.js";
import { type LeaseAnswer, type LeaseRequest, leaseSize } from "../../ledger/store.js";
import type { Plans } from "../../tenants/plan.js";
import { endOfMinute, readRateBucket } from "../../tenants/rates.js";
import { type Database, lockingRow } from "../database.js";
import type { Tx } from "../schema.js";
import { rateDue } from "./rate-limits.js";
import { addToLeased } from "./rate-returns.js";

/** Sets aside as much of a rate's bucket as `leaseSize` says, by what its limit is by now. */
export async function takeRate(
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
  if (some > 0n) await take(tx, request, some);
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

async function take(
  tx: Tx,
  { node, bucketId: bucket, isSparing }: LeaseRequest,
  amount: NanoUsd,
): Promise<void> {
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
      conflict.columns(["bucket", "node"]).doUpdateSet({
        taken: sql`rate_leases.taken + excluded.taken`,
        // Whoever takes more than it needs has something to give back again.
        ...(!isSparing && { recall_answered: 0n }),
      }),
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
