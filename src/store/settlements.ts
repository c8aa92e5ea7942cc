import { sql, type Transaction } from "kysely";
import { destinationOf, OVERRUN, providerAccount, type Transfer } from "../ledger/account.js";
import type { Settlement, SettlementBatch } from "../ledger/store.js";
import { addAwaited } from "./awaited-costs.js";
import type { BulkRow, Database } from "./database.js";
import { addDrift, type DriftEntry } from "./drift.js";
import type { Schema } from "./schema.js";
import { post } from "./transfers.js";
import { addUsage, usageEntryOf } from "./usage-sums.js";

type Tx = Transaction<Schema>;

/** Applies a batch in one transaction. A settlement whose request is there already moves nothing. */
export function applySettlements(
  database: Database,
  batch: SettlementBatch,
): Promise<{ readonly applied: number }> {
  return database.transact(async (tx) => {
    const added = new Set(await database.insertNew(tx, "requests", batch.settlements.map(toRow)));
    // A spool that failed in the middle of a write holds some records twice; `delete` lets in the first.
    const fresh = batch.settlements.filter((settlement) => added.delete(settlement.id));
    await post(database, tx, fresh.flatMap(transfersOf));
    await settleLeases(tx, fresh);
    await addUsage(tx, fresh.map(usageEntryOf));
    await addDrift(tx, fresh.flatMap(driftOf));
    await addAwaited(tx, batch.awaited ?? []);
    await tx
      .updateTable("nodes")
      .set({ segment: batch.upTo.segment, offset: batch.upTo.offset })
      .where("id", "=", batch.node)
      .execute();
    return { applied: fresh.length };
  });
}

function transfersOf(settlement: Settlement): Transfer[] {
  const { id, at, provider, overrun } = settlement;
  const transfers = settlement.debits.map(({ account, amount }, i): Transfer => {
    const credit = destinationOf(account, provider);
    return { id: `${id}/${i}`, debit: account, credit, amount, code: "settle", at };
  });
  if (overrun > 0n) {
    const credit = providerAccount(provider);
    transfers.push({
      id: `${id}/overrun`,
      debit: OVERRUN,
      credit,
      amount: overrun,
      code: "overrun",
      at,
    });
  }
  return transfers;
}

/**
 * What was charged is no longer leased. A lease that was taken away meanwhile stays gone; returns whether none was.
 */
export async function settleLeases(
  tx: Tx,
  settlements: readonly Pick<Settlement, "node" | "debits">[],
): Promise<boolean> {
  let areAllThere = true;
  const sums = new Map<string, { node: string; account: string; amount: bigint }>();
  for (const { node, debits } of settlements) {
    for (const { account, amount } of debits) {
      const key = `${account} ${node}`;
      const sum = sums.get(key) ?? { node, account, amount: 0n };
      sums.set(key, { ...sum, amount: sum.amount + amount });
    }
  }
  for (const [, { node, account, amount }] of [...sums].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const leases = await tx
      .updateTable("leases")
      .set({ settled: sql`settled + ${amount}` })
      .where("node", "=", node)
      .where("account", "=", account)
      .returning("account")
      .execute();
    if (leases.length === 0) {
      areAllThere = false;
      continue;
    }
    await tx
      .updateTable("accounts")
      .set({ leased: sql`leased - ${amount}` })
      .where("id", "=", account)
      .execute();
  }
  return areAllThere;
}

const toRow = (s: Settlement): BulkRow => ({
  id: s.id,
  node: s.node,
  at: s.at,
  user_id: s.userId,
  token_id: s.tokenId,
  model: s.model,
  task: s.task,
  provider: s.provider,
  status: s.status,
  outcome: s.outcome,
  own_key: Number(s.isOwnKey),
  input_tokens: s.usage.inputTokens,
  cached_input_tokens: s.usage.cachedInputTokens,
  output_tokens: s.usage.outputTokens,
  reasoning_tokens: s.usage.reasoningTokens,
  estimated: Number(s.usage.estimated),
  cost: s.cost,
  overrun: s.overrun,
  duration_ms: s.durationMs,
  first_byte_ms: s.firstByteMs ?? null,
  attempts: s.attempts,
  stream: Number(s.isStream),
  cache_write_tokens: s.usage.cacheWriteTokens,
  measured: s.usage.measured ? JSON.stringify(s.usage.measured) : null,
  counted: s.counted ?? null,
});

/** Where a provider said what it costs, our count beside it. */
const driftOf = ({ at, provider, counted, cost }: Settlement): DriftEntry[] =>
  counted === undefined ? [] : [{ at, provider, counted, reported: cost }];
