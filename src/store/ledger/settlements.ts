import { nanoUsd } from "../../kernel/money.js";
import {
  type Debit,
  destinationOf,
  OVERRUN,
  providerAccount,
  type Transfer,
} from "../../ledger/account.js";
import type { Settlement, SettlementBatch } from "../../ledger/store.js";
import { CallCostSums } from "../books/call-costs.js";
import { UsageSums } from "../books/usage-sums.js";
import { addUserRequests } from "../books/user-requests.js";
import type { BulkRow, BulkTable, Database, RowsTable } from "../database.js";
import { addAwaited } from "../late-costs/awaited-costs.js";
import { addDrift, type DriftEntry } from "../late-costs/drift.js";
import type { Tx } from "../schema.js";
import { type Alike, alike, debitsByAccount } from "./alike.js";
import { chargeLate } from "./late-settlements.js";
import { isGone } from "./nodes.js";
import { type Numbers, purseText, type SharedRows } from "./shared-rows.js";
import { addPosted, Moves, onlyAdded } from "./transfers.js";

/** Applies a batch in one transaction. A settlement whose request is there already moves nothing. */
export async function applySettlements(
  database: Database,
  shared: SharedRows,
  batch: SettlementBatch,
): Promise<{ readonly applied: number }> {
  const numbers = {
    profiles: await shared.profiles(batch.settlements),
    purses: await shared.purses(purseTexts(batch.settlements)),
  };
  return database.transact(async (tx) => {
    const isLate = await movePosition(tx, batch);
    const settlements = isLate ? await chargeLate(database, tx, batch) : batch.settlements;
    const rows = settlements.map((settlement) => toRow(settlement, numbers));
    const fresh = onlyAdded(settlements, await database.insertNew(tx, SETTLEMENTS, rows));
    await addUserRequests(database, tx, fresh);
    await addPosted(database, tx, transfersToPost(fresh, numbers));
    const { money, usage, callCosts, drift } = sumsOf(fresh);
    const charges = await money.write(database, tx);
    if (!isLate) await settleLeases(database, tx, batch.node, charges);
    await usage.write(database, tx);
    await callCosts.write(database, tx);
    await addDrift(tx, drift);
    await addAwaited(tx, batch.awaited ?? []);
    return { applied: fresh.length };
  });
}

type SharedNumbers = { readonly profiles: Numbers; readonly purses: Numbers };

function purseTexts(settlements: readonly Settlement[]): Set<string> {
  const texts = new Set<string>();
  for (const { debits } of settlements) if (isOneAmount(debits)) texts.add(purseText(debits));
  return texts;
}

/** Nearly always: one account of each bucket is charged all of it. */
function isOneAmount(debits: readonly Debit[]): boolean {
  const amount = debits[0]?.amount ?? 0n;
  if (amount <= 0n) return false;
  return debits.length === 1 || debits.every((debit) => debit.amount === amount);
}

/** 0: nothing was charged, or what each account was charged is to be posted. */
const purseOf = ({ debits }: Settlement, { purses }: SharedNumbers): number =>
  isOneAmount(debits) ? (purses.get(purseText(debits)) ?? 0) : 0;

/** What the rows of settlements cannot say. */
function transfersToPost(settlements: readonly Settlement[], numbers: SharedNumbers): Transfer[] {
  const transfers: Transfer[] = [];
  for (const settlement of settlements) {
    const { id, at, profile, debits } = settlement;
    if (debits.length === 0 || purseOf(settlement, numbers) !== 0) continue;
    debits.forEach(({ account, amount }, place) => {
      const credit = destinationOf(account, profile.provider);
      const about = { debit: account, credit, amount, code: "settle", at } as const;
      transfers.push({ id: `${id}/${place}`, ...about });
    });
  }
  return transfers;
}

/** All that is summed, group by group: a batch fits in no cache near the processor, and a group does. */
function sumsOf(settlements: readonly Settlement[]) {
  const [money, usage, callCosts] = [new MoneySums(), new UsageSums(), new CallCostSums()];
  const drift: DriftEntry[] = [];
  for (const group of alike(settlements)) {
    money.add(group);
    usage.add(group);
    callCosts.add(group);
    for (const settlement of group.settlements) {
      if (settlement.counted !== undefined) drift.push(driftOf(settlement, settlement.counted));
    }
  }
  return { money, usage, callCosts, drift };
}

/** What settlements say is moved. */
class MoneySums {
  private readonly moves = new Moves();
  private readonly charged: Debit[] = [];

  add({ profile, hour: at, settlements }: Alike): void {
    for (const { account, amount } of debitsByAccount(settlements)) {
      const credit = destinationOf(account, profile.provider);
      this.moves.add({ debit: account, credit, amount, code: "settle", at });
      this.charged.push({ account, amount });
    }
    let unpaid = 0n;
    for (const { overrun } of settlements) if (overrun > 0n) unpaid += overrun;
    const [debit, credit] = [OVERRUN, providerAccount(profile.provider)];
    if (unpaid > 0n) {
      this.moves.add({ debit, credit, amount: nanoUsd(unpaid), code: "overrun", at });
    }
  }

  /** Returns what accounts were charged. */
  async write(database: Database, tx: Tx): Promise<readonly Debit[]> {
    await this.moves.write(database, tx);
    return this.charged;
  }
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

const SETTLEMENTS: BulkTable = {
  table: "settlements",
  columns: {
    id: "text",
    profile: "bigint",
    purse: "bigint",
    at: "bigint",
    stream: "bigint",
    tags: "text",
    status: "bigint",
    outcome: "text",
    duration_ms: "bigint",
    first_byte_ms: "bigint",
    attempts: "bigint",
    input_tokens: "bigint",
    cached_input_tokens: "bigint",
    cache_write_tokens: "bigint",
    output_tokens: "bigint",
    reasoning_tokens: "bigint",
    estimated: "bigint",
    measured: "text",
    cost: "bigint",
    counted: "bigint",
    overrun: "bigint",
    charged: "bigint",
    unpaid: "bigint",
    details: "text",
  },
};

/** In the order of `SETTLEMENTS`. */
function toRow(s: Settlement, numbers: SharedNumbers): BulkRow {
  const purse = purseOf(s, numbers);
  return [
    s.id,
    numbers.profiles.get(s.profile.text) ?? 0,
    purse,
    s.at,
    Number(s.isStream),
    s.tags.length > 0 ? s.tags.join(",") : null,
    s.status,
    s.outcome,
    s.durationMs,
    s.firstByteMs ?? null,
    s.attempts,
    s.usage.inputTokens,
    s.usage.cachedInputTokens,
    s.usage.cacheWriteTokens,
    s.usage.outputTokens,
    s.usage.reasoningTokens,
    Number(s.usage.estimated),
    s.usage.measured ? JSON.stringify(s.usage.measured) : null,
    s.cost,
    s.counted ?? null,
    s.overrun,
    purse === 0 ? 0 : (s.debits[0]?.amount ?? 0),
    s.overrun,
    s.details ?? null,
  ];
}

/** Where a provider said what it costs, our count beside it. */
const driftOf = ({ at, profile, cost }: Settlement, counted: bigint): DriftEntry => ({
  at,
  provider: profile.provider,
  counted,
  reported: cost,
});
