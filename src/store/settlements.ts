import type { Transaction } from "kysely";
import { destinationOf, OVERRUN, providerAccount, type Transfer } from "../ledger/account.js";
import type { Debit, Settlement, SettlementBatch } from "../ledger/store.js";
import { addAwaited } from "./awaited-costs.js";
import { addCallCosts } from "./call-costs.js";
import type { BulkRow, BulkTable, Database, RowsTable } from "./database.js";
import { addDrift, type DriftEntry } from "./drift.js";
import { chargeLate } from "./late-settlements.js";
import { isGone } from "./nodes.js";
import type { Schema } from "./schema.js";
import { onlyAdded, post } from "./transfers.js";
import { addUsage } from "./usage-sums.js";
import { addUserRequests } from "./user-requests.js";

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
    await addUserRequests(database, tx, fresh);
    await post(database, tx, transfersOf(fresh));
    if (!isLate) await settleLeases(database, tx, batch.node, debitsOf(fresh));
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

const debitsOf = (settlements: readonly Settlement[]): Debit[] =>
  settlements.flatMap(({ debits }) => debits);

function transfersOf(settlements: readonly Settlement[]): Transfer[] {
  const transfers: Transfer[] = [];
  for (const { id, at, provider, overrun, debits } of settlements) {
    let i = 0;
    for (const { account, amount } of debits) {
      const credit = destinationOf(account, provider);
      transfers.push({ id: `${id}/${i++}`, debit: account, credit, amount, code: "settle", at });
    }
    if (overrun > 0n) {
      const [from, to] = [OVERRUN, providerAccount(provider)];
      const about = { amount: overrun, code: "overrun", at } as const;
      transfers.push({ id: `${id}/overrun`, debit: from, credit: to, ...about });
    }
  }
  return transfers;
}

/**
 * What was charged is no longer leased. A lease that was taken away meanwhile stays gone; returns whether none was.
 */
export async function settleLeases(
  database: Database,
  tx: Tx,
  node: string,
  debits: readonly Debit[],
): Promise<boolean> {
  const sums = new Map<string, bigint>();
  for (const { account, amount } of debits) {
    sums.set(account, (sums.get(account) ?? 0n) + amount);
  }
  const settled = [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = settled.map(([account, amount]) => [node, account, amount] as const);
  const there = await database.addToRows(tx, SETTLED, rows);
  await database.addToRows(
    tx,
    LEASED,
    there.map(([, account, amount]) => [account, -amount]),
  );
  return there.length === rows.length;
}

const SETTLED: RowsTable = { table: "leases", key: ["node", "account"], sum: "settled" };
const LEASED: RowsTable = { table: "accounts", key: ["id"], sum: "leased" };

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
  s.details ?? null,
];

/** Where a provider said what it costs, our count beside it. */
const driftOf = ({ at, provider, counted, cost }: Settlement): DriftEntry[] =>
  counted === undefined ? [] : [{ at, provider, counted, reported: cost }];
