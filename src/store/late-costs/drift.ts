/** How far our counts are from what providers say, by day. */
import { sql } from "kysely";
import { DAY_MS } from "../../kernel/clock.js";
import { nanoUsd } from "../../kernel/money.js";
import type { Drift } from "../../ledger/late-cost.js";
import type { Database } from "../database.js";
import type { Tx } from "../schema.js";

/** One request whose provider told its cost, or never did. */
export type DriftEntry = {
  readonly at: number;
  readonly provider: string;
  readonly counted: bigint;
  /** Undefined: it never told. */
  readonly reported: bigint | undefined;
};

type Row = {
  day: number;
  provider: string;
  requests: number;
  counted: bigint;
  reported: bigint;
  above: number;
  below: number;
  unbilled: number;
};

/** Adds to the sums of each request's day. */
export async function addDrift(tx: Tx, entries: readonly DriftEntry[]): Promise<void> {
  for (const row of sumsOf(entries)) {
    await tx
      .insertInto("cost_drift")
      .values(row)
      .onConflict((conflict) =>
        conflict.columns(["day", "provider"]).doUpdateSet({
          requests: sql`cost_drift.requests + excluded.requests`,
          counted: sql`cost_drift.counted + excluded.counted`,
          reported: sql`cost_drift.reported + excluded.reported`,
          above: sql`cost_drift.above + excluded.above`,
          below: sql`cost_drift.below + excluded.below`,
          unbilled: sql`cost_drift.unbilled + excluded.unbilled`,
        }),
      )
      .execute();
  }
}

/** In the order of their keys, so that nobody deadlocks. */
function sumsOf(entries: readonly DriftEntry[]): readonly Row[] {
  const rows = new Map<string, Row>();
  for (const entry of entries) {
    const day = Math.floor(entry.at / DAY_MS) * DAY_MS;
    const key = `${day} ${entry.provider}`;
    const row = rows.get(key) ?? { ...emptyRow, day, provider: entry.provider };
    rows.set(key, row);
    add(row, entry);
  }
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

const emptyRow = { requests: 0, counted: 0n, reported: 0n, above: 0, below: 0, unbilled: 0 };

function add(row: Row, { counted, reported }: DriftEntry): void {
  if (reported === undefined) {
    row.unbilled++;
    return;
  }
  row.requests++;
  row.counted += counted;
  row.reported += reported;
  if (reported > counted) row.above++;
  if (reported < counted) row.below++;
}

/** By provider, since the day that `since` (milliseconds UTC) lies in. */
export async function readDrift({ db }: Database, since: number): Promise<readonly Drift[]> {
  const total = (column: keyof Row) => sql<bigint>`cast(sum(${sql.ref(column)}) as bigint)`;
  const rows = await db
    .selectFrom("cost_drift")
    .select([
      "provider",
      total("requests").as("requests"),
      total("counted").as("counted"),
      total("reported").as("reported"),
      total("above").as("above"),
      total("below").as("below"),
      total("unbilled").as("unbilled"),
    ])
    .where("day", ">=", BigInt(Math.floor(since / DAY_MS) * DAY_MS))
    .groupBy("provider")
    .orderBy("provider")
    .execute();
  return rows.map((row) => ({
    provider: row.provider,
    requests: Number(row.requests),
    counted: nanoUsd(row.counted),
    reported: nanoUsd(row.reported),
    above: Number(row.above),
    below: Number(row.below),
    unbilled: Number(row.unbilled),
  }));
}
