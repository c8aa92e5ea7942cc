/** What comes back of leases, within a transaction. Whoever changes a lease locks its account first. */
import { type Kysely, sql } from "kysely";
import { least, nanoUsd } from "../../kernel/money.js";
import type { EndedLeases } from "../../ledger/store.js";
import type { Database } from "../database.js";
import type { Schema, Tx } from "../schema.js";
import { lockAccounts } from "./accounts.js";

/** Of a lease: neither given back, nor settled and drained. */
export const outstanding = sql<bigint>`(leases.taken - leases.returned - leases.settled)`;

/** `returned` is by account, as `giveBack` wants it. */
export async function returnLease(
  database: Database,
  tx: Tx,
  node: string,
  returned: ReadonlyMap<string, bigint>,
): Promise<void> {
  await lockAccounts(database, tx, [...returned.keys()]);
  for (const [account, total] of returned) await giveBack(tx, node, account, total);
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

/** Forgets leases that ended, unless they were taken up again meanwhile. */
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
