import type { Database, SumTable } from "./database.js";
import type { Tx } from "./schema.js";

type Amount = number | bigint;
type KeyCell = string | number;

/** What a batch adds to a table of sums, summed before it is written: one row for each key. */
export class Sums {
  private readonly into: SumTable;
  private readonly rows = new Map<string, readonly [key: readonly KeyCell[], sums: Amount[]]>();

  constructor(into: SumTable) {
    this.into = into;
  }

  /** In the order of the table's columns. The amounts are taken over, and changed. */
  add(key: readonly KeyCell[], amounts: Amount[]): void {
    const name = key.join("\n");
    const row = this.rows.get(name);
    if (row) addTo(row[1], amounts);
    else this.rows.set(name, [key, amounts]);
  }

  /** What is to be written, in no order. */
  entries(): Iterable<readonly [key: readonly KeyCell[], sums: readonly Amount[]]> {
    return this.rows.values();
  }

  /** In the order of their keys, so that nobody deadlocks. */
  async write(database: Database, tx: Tx): Promise<void> {
    if (this.rows.size === 0) return;
    const sorted = [...this.rows].sort(([a], [b]) => (a < b ? -1 : 1));
    const rows = sorted.map(([, [key, sums]]) => [...key, ...sums]);
    await database.addSums(tx, this.into, rows);
  }
}

function addTo(sums: Amount[], amounts: readonly Amount[]): void {
  for (let i = 0; i < sums.length; i++) {
    const amount = amounts[i] ?? 0;
    // Most of what could be counted is nothing, and a sum of bigints is made anew each time.
    if (amount !== 0 && amount !== 0n) sums[i] = plus(sums[i] ?? 0, amount);
  }
}

const plus = (a: Amount, b: Amount): Amount =>
  typeof a === "number" && typeof b === "number" ? a + b : BigInt(a) + BigInt(b);

/** The end of an insert that adds to what is there already. */
export const addingUp = ({ table, key, sums }: SumTable): string =>
  `on conflict (${key.join(",")}) do update set ${sums
    .map((sum) => `${sum} = ${table}.${sum} + excluded.${sum}`)
    .join(",")}`;
