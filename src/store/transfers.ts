import { sql, type Transaction } from "kysely";
import type { Transfer } from "../ledger/account.js";
import type { BulkTable, Database, SumTable } from "./database.js";
import type { Schema } from "./schema.js";
import { Sums } from "./sums.js";

/** Writes transfers and moves what they say; one that is there already moves nothing. */
export async function post(
  database: Database,
  tx: Transaction<Schema>,
  transfers: readonly Transfer[],
): Promise<void> {
  const rows = transfers.map((t) => [t.id, t.debit, t.credit, t.amount, t.code, t.at] as const);
  const added = await database.insertNew(tx, TRANSFERS, rows);
  const fresh = onlyAdded(transfers, added);
  await move(database, tx, fresh);
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

/** In the order of accounts, so that nobody deadlocks. Whoever has an account locked has its days too. */
async function move(
  database: Database,
  tx: Transaction<Schema>,
  transfers: readonly Transfer[],
): Promise<void> {
  const days = new Sums(ACCOUNT_DAYS);
  for (const { debit, credit, amount, code, at } of transfers) {
    const day = Math.floor(at / DAY_MS);
    days.add([debit, day, code], [amount, 0n]);
    days.add([credit, day, code], [0n, amount]);
  }
  // A batch has few days of an account, so its balance is summed from them rather than from the transfers.
  const balances = new Sums(BALANCES);
  for (const [[account = ""], [debited, credited]] of days.entries()) {
    const id = String(account);
    balances.add([id, kindOf(id), 0, 0, 0], [BigInt(credited ?? 0) - BigInt(debited ?? 0)]);
  }
  await balances.write(database, tx);
  await days.write(database, tx);
}

const DAY_MS = 86_400_000;

const BALANCES: SumTable = {
  table: "accounts",
  columns: { id: "text", kind: "text", granted: "bigint", leased: "bigint", opened_at: "bigint" },
  key: ["id"],
  sums: ["balance"],
};

const ACCOUNT_DAYS: SumTable = {
  table: "account_days",
  columns: { account: "text", day: "bigint", code: "text" },
  key: ["account", "day", "code"],
  sums: ["debited", "credited"],
};

/** Accounts that nobody opens are named for what they are: `overrun`, `provider:together`. */
const kindOf = (id: string): string => id.split(":", 1)[0] ?? id;
