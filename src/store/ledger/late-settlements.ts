/**
 * Settlements of a node whose lease was taken away: fenced, or closed. What was kept back of the lease pays for
 * them, then whatever else their payer has that nobody leased. Nobody can be charged more than that, so the rest
 * becomes an overrun.
 */
import { sql } from "kysely";
import { least, nanoUsd, ZERO } from "../../kernel/money.js";
import type { Debit } from "../../ledger/account.js";
import type { Settlement, SettlementBatch } from "../../ledger/store.js";
import type { Database } from "../database.js";
import type { Tx } from "../schema.js";
import { bySpendingOrder, locking } from "./accounts.js";
import { giveBack } from "./lease-returns.js";

type Source = {
  readonly id: string;
  readonly bucket: string;
  readonly expires_at: bigint | null;
  readonly opened_at: bigint;
  /** Kept back for this node, and how much of it there was at first. */
  kept: bigint;
  readonly keptAtFirst: bigint;
  readonly returned: bigint;
  /** Leased by nobody. */
  free: bigint;
};

/**
 * The settlements of a batch that are not in the store yet, with the debits that are possible still. What they need
 * of the node's leases is no longer leased afterwards.
 */
export async function chargeLate(
  database: Database,
  tx: Tx,
  { node, settlements }: SettlementBatch,
): Promise<readonly Settlement[]> {
  const fresh = await notApplied(tx, settlements);
  const sources = await sourcesOf(database, tx, node, fresh);
  const charged = fresh.map((settlement) => charge(settlement, sources));
  for (const { id, returned, kept, keptAtFirst } of sources) {
    if (kept < keptAtFirst) await giveBack(tx, node, id, returned + keptAtFirst - kept);
  }
  return charged;
}

async function notApplied(
  tx: Tx,
  settlements: readonly Settlement[],
): Promise<readonly Settlement[]> {
  const byId = new Map(settlements.map((settlement) => [settlement.id, settlement]));
  if (byId.size === 0) return [];
  const known = await tx
    .selectFrom("settlements")
    .select("id")
    .where("id", "in", [...byId.keys()]);
  for (const { id } of await known.execute()) byId.delete(id);
  return [...byId.values()];
}

/** All accounts of the buckets that were debited, locked, in spending order. */
async function sourcesOf(
  database: Database,
  tx: Tx,
  node: string,
  settlements: readonly Settlement[],
): Promise<Source[]> {
  const named = new Set(settlements.flatMap(({ debits }) => debits.map(({ account }) => account)));
  if (named.size === 0) return [];
  const buckets = tx
    .selectFrom("accounts")
    .select("bucket")
    .where("id", "in", [...named]);
  const query = tx
    .selectFrom("accounts")
    .select(["id", "bucket", "grant_kind", "expires_at", "opened_at", "balance", "leased"])
    .where("bucket", "in", buckets);
  const accounts = await locking(database, query).execute();
  const leases = await tx
    .selectFrom("leases")
    .select(["account", "returned", sql<bigint>`taken - returned - settled`.as("out")])
    .where("node", "=", node)
    .execute();
  const leased = new Map(leases.map((lease) => [lease.account, lease]));
  return accounts.sort(bySpendingOrder).map((account) => {
    const { out = 0n, returned = 0n } = leased.get(account.id) ?? {};
    const free = account.balance - account.leased;
    return {
      ...account,
      bucket: account.bucket ?? "",
      kept: out,
      keptAtFirst: out,
      returned,
      free,
    };
  });
}

/** Takes what a settlement costs out of `sources`, the same of every bucket it was charged to. */
function charge(settlement: Settlement, sources: readonly Source[]): Settlement {
  const { debits, cost, at } = settlement;
  if (debits.length === 0) return settlement;
  const wanted = nanoUsd(cost - settlement.overrun);
  const byBucket = Map.groupBy(sourcesFor(debits, at, sources), ({ bucket }) => bucket);
  const isKnown = debits.every(({ account }) => sources.some(({ id }) => id === account));
  const possible = [...byBucket.values()]
    .map((some) => nanoUsd(some.reduce((sum, { kept, free }) => sum + kept + free, 0n)))
    .reduce(least, isKnown ? wanted : ZERO);
  return {
    ...settlement,
    debits: [...byBucket.values()].flatMap((some) => take(some, possible)),
    overrun: nanoUsd(cost - possible),
  };
}

/** The accounts that were debited come first, also where they have expired since; then what else is live. */
function sourcesFor(debits: readonly Debit[], at: number, sources: readonly Source[]): Source[] {
  const named = new Set(debits.map(({ account }) => account));
  const buckets = new Set(sources.filter(({ id }) => named.has(id)).map(({ bucket }) => bucket));
  const others = sources.filter(
    ({ id, bucket, expires_at }) =>
      !named.has(id) && buckets.has(bucket) && (expires_at === null || expires_at > BigInt(at)),
  );
  return [...sources.filter(({ id }) => named.has(id)), ...others];
}

function take(sources: readonly Source[], amount: bigint): Debit[] {
  const debits: Debit[] = [];
  let left = amount;
  for (const source of sources) {
    const kept = least(nanoUsd(source.kept), nanoUsd(left));
    const free = least(nanoUsd(source.free), nanoUsd(left - kept));
    source.kept -= kept;
    source.free -= free;
    left -= kept + free;
    if (kept + free > 0n) debits.push({ account: source.id, amount: nanoUsd(kept + free) });
  }
  return debits;
}
