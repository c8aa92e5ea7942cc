/** What comes back of rates, and how a recall stands. Whoever changes leases locks their buckets first. */
import { sql } from "kysely";
import { least, type NanoUsd, nanoUsd } from "../../kernel/money.js";
import type { RecallState } from "../../ledger/store.js";
import { readRateBucket } from "../../tenants/rates.js";
import type { Database } from "../database.js";
import type { Tx } from "../schema.js";

/** `returned` tells all that was ever given back, so hearing it twice changes nothing. */
export async function returnRates(
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

/** Below zero where something comes back. The bucket is locked. */
export const addToLeased = (tx: Tx, bucket: string, by: bigint) =>
  tx
    .updateTable("rates")
    .set({ leased: sql`leased + ${by}` })
    .where("bucket", "=", bucket)
    .execute();

/** Reads only; whoever wants to have what it tells of takes a lease. */
export async function recallState(
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
