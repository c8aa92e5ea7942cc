import { sql, type Transaction } from "kysely";
import type { Transfer } from "../ledger/account.js";
import type { BulkTable, Database } from "./database.js";
import type { Schema } from "./schema.js";

/** Writes transfers and moves what they say; one that is there already moves nothing. */
export async function post(
  database: Database,
  tx: Transaction<Schema>,
  transfers: readonly Transfer[],
): Promise<void> {
  const rows = transfers.map((t) => [t.id, t.debit, t.credit, t.amount, t.code, t.at]);
  const added = await database.insertNew(tx, TRANSFERS, rows);
  await moveBalances(tx, onlyAdded(transfers, added));
}

const TRANSFERS: BulkTable = {
  table: "transfers",
  columns: {
    id: "text",
    debit: "text",
    credit: "text",
    amount: "bigint",
    code: "text",
    at: "bigint",
  },
};

/** The items whose id was added, each once: a spool that failed in the middle of a write holds some twice. */
export function onlyAdded<Item extends { readonly id: string }>(
  items: readonly Item[],
  added: readonly string[],
): readonly Item[] {
  if (added.length === items.length) return items;
  const left = new Set(added);
  return items.filter(({ id }) => left.delete(id));
}

/** What several transfers of one thing are named for: `<request>/0`, `payment:<id>/0`. */
export const beforeSlash = {
  sqlite: sql`substr(id, 1, instr(id, '/') - 1)`,
  postgres: sql`split_part(id, '/', 1)`,
} as const;

/** One statement per account, in the order of ids so that nobody deadlocks. */
async function moveBalances(
  tx: Transaction<Schema>,
  transfers: readonly Transfer[],
): Promise<void> {
  const sums = new Map<string, bigint>();
  const add = (account: string, amount: bigint) =>
    sums.set(account, (sums.get(account) ?? 0n) + amount);
  for (const transfer of transfers) {
    add(transfer.debit, -transfer.amount);
    add(transfer.credit, transfer.amount);
  }
  for (const [id, sum] of [...sums].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await tx
      .insertInto("accounts")
      .values({ id, kind: kindOf(id), granted: 0n, balance: sum, leased: 0n, opened_at: 0 })
      .onConflict((conflict) =>
        conflict.column("id").doUpdateSet({ balance: sql`accounts.balance + excluded.balance` }),
      )
      .execute();
  }
}

/** Accounts that nobody opens are named for what they are: `overrun`, `provider:together`. */
const kindOf = (id: string): string => id.split(":", 1)[0] ?? id;
