import { sql, type Transaction } from "kysely";
import { destinationOf, OVERRUN, providerAccount, type Transfer } from "../ledger/account.js";
import type { Settlement, SettlementBatch } from "../ledger/store.js";
import { addAwaited } from "./awaited-costs.js";
import { addCallCosts } from "./call-costs.js";
import type { BulkRow, BulkTable, Database } from "./database.js";
import { addDrift, type DriftEntry } from "./drift.js";
import { chargeLate } from "./late-settlements.js";
import { isGone } from "./nodes.js";
import type { Schema } from "./schema.js";
import { onlyAdded, post } from "./transfers.js";
import { addUsage } from "./usage-sums.js";

type Tx = Transaction<Schema>;

/** Applies a batch in one transaction. A settlement whose request is there already moves nothing. */
export function applySettlements(
  database: Database,
  batch: SettlementBatch,
): Promise<{ readonly applied: number }> {
  return database.transact(async (tx) => {
    const isLate = await movePosition(tx, batch);
    const settlements = isLate ? await chargeLate(database, tx, batch) : batch.settlements;
    const added = await database.insertNew(tx, REQUESTS, settlements.map(toRow));
    const fresh = onlyAdded(settlements, added);
    await post(database, tx, fresh.flatMap(transfersOf));
    if (!isLate) await settleLeases(tx, fresh);
    await addUsage(database, tx, fresh);
    await addCallCosts(database, tx, fresh);
    await addDrift(tx, fresh.flatMap(driftOf));
    await addAwaited(tx, batch.awaited ?? []);
    return { applied: fresh.length };
  });
}

/** Returns whether the node's leases were taken away. Nobody can do that before this transaction ends. */
async function movePosition(tx: Tx, { node, upTo }: SettlementBatch): Promise<boolean> {
  const row = await tx
    .updateTable("nodes")
    .set({ segment: upTo.segment, offset: upTo.offset })
    .where("id", "=", node)
    .returning(["fenced_at", "closed_at"])
    .executeTakeFirst();
  return isGone(row);
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
      const sum = sums.get(key);
      if (sum) sum.amount += amount;
      else sums.set(key, { node, account, amount });
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

const REQUESTS: BulkTable = {
  table: "requests",
  columns: {
    id: "text",
    node: "text",
    at: "bigint",
    payer: "text",
    group_id: "text",
    user_id: "text",
    token_id: "text",
    model: "text",
    task: "text",
    provider: "text",
    status: "bigint",
    outcome: "text",
    own_key: "bigint",
    input_tokens: "bigint",
    cached_input_tokens: "bigint",
    output_tokens: "bigint",
    reasoning_tokens: "bigint",
    estimated: "bigint",
    cost: "bigint",
    overrun: "bigint",
    duration_ms: "bigint",
    first_byte_ms: "bigint",
    attempts: "bigint",
    stream: "bigint",
    cache_write_tokens: "bigint",
    measured: "text",
    counted: "bigint",
    tags: "text",
    details: "text",
  },
};

/** In the order of `REQUESTS`. */
const toRow = (s: Settlement): BulkRow => [
  s.id,
  s.node,
  s.at,
  s.payer,
  s.groupId,
  s.userId,
  s.tokenId,
  s.model,
  s.task,
  s.provider,
  s.status,
  s.outcome,
  Number(s.isOwnKey),
  s.usage.inputTokens,
  s.usage.cachedInputTokens,
  s.usage.outputTokens,
  s.usage.reasoningTokens,
  Number(s.usage.estimated),
  s.cost,
  s.overrun,
  s.durationMs,
  s.firstByteMs ?? null,
  s.attempts,
  Number(s.isStream),
  s.usage.cacheWriteTokens,
  s.usage.measured ? JSON.stringify(s.usage.measured) : null,
  s.counted ?? null,
  s.tags.length > 0 ? s.tags.join(",") : null,
  s.details ? JSON.stringify(s.details) : null,
];

/** Where a provider said what it costs, our count beside it. */
const driftOf = ({ at, provider, counted, cost }: Settlement): DriftEntry[] =>
  counted === undefined ? [] : [{ at, provider, counted, reported: cost }];
