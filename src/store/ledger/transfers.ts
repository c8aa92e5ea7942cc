import { sql } from "kysely";
import { DAY_MS } from "../../kernel/clock.js";
import type { Transfer } from "../../ledger/account.js";
import type { BulkTable, Database, SumTable } from "../database.js";
import type { Tx } from "../schema.js";
import { Sums } from "../sums.js";

/** Writes transfers and moves what they say; one that is there already moves nothing. */
export async function post(
  database: Database,
  tx: Tx,
  transfers: readonly Transfer[],
): Promise<void> {
  const added = await database.insertNew(tx, POSTED, transfers.map(toRow));
  const moves = new Moves();
  for (const transfer of onlyAdded(transfers, added)) moves.add(transfer);
  await moves.write(database, tx);
}

/** Adds transfers that are new, and whose moves somebody else writes. */
export const addPosted = (
  database: Database,
  tx: Tx,
  transfers: readonly Transfer[],
): Promise<void> => database.insertRows(tx, POSTED, transfers.map(toRow));

const toRow = ({ id, debit, credit, amount, code, at }: Transfer) =>
  [id, debit, credit, amount, code, at] as const;

const POSTED: BulkTable = {
  table: "posted_transfers",
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

type Sides = { debited: bigint; credited: bigint };

/** What transfers move, summed by reason, day and account before it is written. */
export class Moves {
  private readonly sums = new Map<Transfer["code"], Map<number, Map<string, Sides>>>();

  add({ debit, credit, amount, code, at }: Omit<Transfer, "id">): void {
    const accounts = this.accountsOn(Math.floor(at / DAY_MS), code);
    sidesOf(accounts, debit).debited += amount;
    sidesOf(accounts, credit).credited += amount;
  }

  private accountsOn(day: number, code: Transfer["code"]): Map<string, Sides> {
    const days = this.sums.get(code) ?? new Map<number, Map<string, Sides>>();
    this.sums.set(code, days);
    const accounts = days.get(day) ?? new Map<string, Sides>();
    days.set(day, accounts);
    return accounts;
  }

  /** In the order of accounts, so that nobody deadlocks. Whoever has an account locked has its days too. */
  async write(database: Database, tx: Tx): Promise<void> {
    const days = new Sums(ACCOUNT_DAYS);
    const balances = new Sums(BALANCES);
    for (const [code, byDay] of this.sums) {
      for (const [day, accounts] of byDay) {
        for (const [id, { debited, credited }] of accounts) {
          days.add([id, day, code], [debited, credited]);
          balances.add([id, kindOf(id), 0, 0, 0], [credited - debited]);
        }
      }
    }
    await balances.write(database, tx);
    await days.write(database, tx);
  }
}

function sidesOf(accounts: Map<string, Sides>, account: string): Sides {
  const there = accounts.get(account);
  if (there) return there;
  const sides = { debited: 0n, credited: 0n };
  accounts.set(account, sides);
  return sides;
}

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
