import type { Kysely, SelectQueryBuilder } from "kysely";
import type { Schema, Tx } from "./schema.js";

/** One open store. Everything else in this folder is written once, against this. */
export type Database = {
  readonly engine: "sqlite" | "postgres";
  readonly db: Kysely<Schema>;
  /** Runs `work` in a write transaction, again when it lost a race with another one. */
  readonly transact: <Result>(work: (tx: Tx) => Promise<Result>) => Promise<Result>;
  readonly lockMigrations: (tx: Tx) => Promise<void>;
  /** Makes changes become visible in the order of their numbers. */
  readonly lockChanges: (tx: Tx) => Promise<void>;
  /** Lets one transaction at a time write payments: two events of one payment may not know of each other. */
  readonly lockPayments: (tx: Tx) => Promise<void>;
  /** Wakes the watchers of other processes once the transaction commits. */
  readonly announce: (tx: Tx) => Promise<void>;
  /** Adds rows in bulk, skipping those whose key exists; returns the keys of those added. */
  readonly insertNew: (
    tx: Tx,
    into: BulkTable,
    rows: readonly BulkRow[],
  ) => Promise<readonly string[]>;
  /** Adds rows in bulk of which nobody else can have added any. */
  readonly insertRows: (tx: Tx, into: BulkTable, rows: readonly BulkRow[]) => Promise<void>;
  /** Adds to sums in bulk, and begins those that are not there. `rows` has each key once, in one order for all. */
  readonly addSums: (tx: Tx, into: SumTable, rows: readonly BulkRow[]) => Promise<void>;
  /** Adds to a column of rows in bulk; returns which of `rows` were there to be added to. */
  readonly addToRows: <Row extends BulkRow>(
    tx: Tx,
    into: RowsTable,
    rows: readonly Row[],
  ) => Promise<readonly Row[]>;
  /** Calls back soon after any process changed something; the callback reads what. Returns how to stop. */
  readonly watch: (onChange: () => void) => Promise<() => Promise<void>>;
  /** Whether everything committed so far would survive a loss of power; asks for it where that costs something. */
  readonly isDurable: () => Promise<boolean>;
  readonly close: () => Promise<void>;
};

/** The columns that rows of a table are given in; the first is its key. */
export type BulkTable = {
  readonly table: "settlements" | "posted_transfers" | "user_requests";
  readonly columns: Readonly<Record<string, "text" | "bigint">>;
};

/** A table of sums. Rows have `columns`, by some of which, the key, they are known, and then what is added up. */
export type SumTable = {
  readonly table:
    | "accounts"
    | "account_days"
    | "usage_hourly"
    | "usage_tags_hourly"
    | "call_costs"
    | "requests_forgotten";
  readonly columns: Readonly<Record<string, "text" | "bigint">>;
  readonly key: readonly string[];
  readonly sums: readonly string[];
};

/** Rows that exist, known by a key of texts, and the column to add to. */
export type RowsTable = {
  readonly table: "leases" | "accounts";
  readonly key: readonly string[];
  readonly sum: string;
};

/** A row as an array, because every request becomes two of them. */
export type BulkRow = readonly (string | number | bigint | null)[];

/** Reads a row to change it. On SQLite a write transaction is alone as it is. */
export const lockingRow = <Table extends keyof Schema, Row>(
  { engine }: Database,
  query: SelectQueryBuilder<Schema, Table, Row>,
): SelectQueryBuilder<Schema, Table, Row> => (engine === "sqlite" ? query : query.forUpdate());

/** Reads a row that must not change until the transaction ends. */
export const sharingRow = <Table extends keyof Schema, Row>(
  { engine }: Database,
  query: SelectQueryBuilder<Schema, Table, Row>,
): SelectQueryBuilder<Schema, Table, Row> => (engine === "sqlite" ? query : query.forShare());

const TRIES = 40;
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 250;

/** Repeats `attempt` while it fails for having lost a race; anything else is thrown at once. */
export async function retryRaces<Result>(
  attempt: () => Promise<Result>,
  isLostRace: (thrown: unknown) => boolean,
): Promise<Result> {
  let pauseMs = FIRST_PAUSE_MS;
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (thrown) {
      if (tries >= TRIES || !isLostRace(thrown)) throw thrown;
      // Unequal pauses keep two processes from losing to each other again and again.
      await Bun.sleep(pauseMs * (0.5 + Math.random()));
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
}
