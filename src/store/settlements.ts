import { sql, type Transaction } from "kysely";
import { destinationOf, OVERRUN, providerAccount, type Transfer } from "../ledger/account.js";
import type { Settlement, SettlementBatch } from "../ledger/store.js";
import type { BulkRow, Database } from "./database.js";
import { chargeLate } from "./late-settlements.js";
import type { Schema } from "./schema.js";
import { post } from "./transfers.js";

type Tx = Transaction<Schema>;

const HOUR_MS = 3_600_000;

/** Applies a batch in one transaction. A settlement whose request is there already moves nothing. */
export function applySettlements(
  database: Database,
  batch: SettlementBatch,
): Promise<{ readonly applied: number }> {
  return database.transact(async (tx) => {
    const isLate = await movePosition(tx, batch);
    const settlements = isLate ? await chargeLate(database, tx, batch) : batch.settlements;
    const added = new Set(await database.insertNew(tx, "requests", settlements.map(toRow)));
    // A spool that failed in the middle of a write holds some records twice; `delete` lets in the first.
    const fresh = settlements.filter((settlement) => added.delete(settlement.id));
    await post(database, tx, fresh.flatMap(transfersOf));
    if (!isLate) await settleLeases(tx, fresh);
    await rollUp(tx, fresh);
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
  return row !== undefined && (row.fenced_at !== null || row.closed_at !== null);
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

/** What was charged is no longer leased. A lease that was taken away meanwhile stays gone. */
async function settleLeases(tx: Tx, settlements: readonly Settlement[]): Promise<void> {
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
    if (leases.length === 0) continue;
    await tx
      .updateTable("accounts")
      .set({ leased: sql`leased - ${amount}` })
      .where("id", "=", account)
      .execute();
  }
}

async function rollUp(tx: Tx, settlements: readonly Settlement[]): Promise<void> {
  for (const row of hourlySums(settlements)) {
    await tx
      .insertInto("usage_hourly")
      .values(row)
      .onConflict((conflict) =>
        conflict
          .columns(["hour", "user_id", "token_id", "model", "provider", "own_key"])
          .doUpdateSet({
            requests: sql`usage_hourly.requests + excluded.requests`,
            input_tokens: sql`usage_hourly.input_tokens + excluded.input_tokens`,
            output_tokens: sql`usage_hourly.output_tokens + excluded.output_tokens`,
            cost: sql`usage_hourly.cost + excluded.cost`,
            overrun: sql`usage_hourly.overrun + excluded.overrun`,
          }),
      )
      .execute();
  }
}

type HourlyRow = {
  hour: number;
  user_id: string;
  token_id: string;
  model: string;
  provider: string;
  own_key: number;
  requests: number;
  input_tokens: number;
  output_tokens: number;
  cost: bigint;
  overrun: bigint;
};

function hourlySums(settlements: readonly Settlement[]): HourlyRow[] {
  const rows = new Map<string, HourlyRow>();
  for (const s of settlements) {
    const row: HourlyRow = {
      hour: Math.floor(s.at / HOUR_MS) * HOUR_MS,
      user_id: s.userId,
      token_id: s.tokenId,
      model: s.model,
      provider: s.provider,
      own_key: Number(s.isOwnKey),
      requests: 1,
      input_tokens: s.usage.inputTokens,
      output_tokens: s.usage.outputTokens,
      cost: s.cost,
      overrun: s.overrun,
    };
    const key = [row.hour, row.user_id, row.token_id, row.model, row.provider, row.own_key].join(
      "|",
    );
    const sum = rows.get(key);
    if (!sum) {
      rows.set(key, row);
      continue;
    }
    sum.requests += 1;
    sum.input_tokens += row.input_tokens;
    sum.output_tokens += row.output_tokens;
    sum.cost += row.cost;
    sum.overrun += row.overrun;
  }
  return [...rows.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
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
});
