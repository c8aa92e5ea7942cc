import { Database as SqliteFile } from "bun:sqlite";
import {
  CompiledQuery,
  type DatabaseConnection,
  Kysely,
  SqliteAdapter,
  type SqliteDialectConfig,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
  type TransactionSettings,
} from "kysely";
import {
  type BulkRow,
  type BulkTable,
  type Database,
  type RowsTable,
  retryRaces,
  type SumTable,
} from "../database.js";
import type { Schema } from "../schema.js";
import { addingUp } from "../sums.js";

/** How often another process's changes are looked for: one pragma on an open file, about 2 µs. */
const WATCH_MS = 50;

const CACHE_KB = 32_768;
/** How much is appended before it is put where it belongs: pages that change often are then put there once. */
const CHECKPOINT_PAGES = 8_000;

/** Opens or makes the file at `path`, which several processes may have open. */
export async function openSqlite(path: string): Promise<Database> {
  const file = new SqliteFile(path, { create: true, safeIntegers: true });
  // Waiting inside SQLite blocks the event loop, so we wait outside it instead: see `retryRaces`.
  file.run("pragma busy_timeout = 0");
  // Only one of several processes that find a fresh file can change its journal.
  await retryRaces(async () => file.run("pragma journal_mode = wal"), isBusy);
  file.run("pragma synchronous = normal");
  file.run("pragma foreign_keys = on");
  // Else a deleted user's name would stay in the file until something else happens to be written over it.
  file.run("pragma secure_delete = on");
  // What a batch of the drain changes has to fit, or it is written to the disk before the batch is complete.
  file.run(`pragma cache_size = -${CACHE_KB}`);
  file.run(`pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  const db = new Kysely<Schema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new ImmediateDriver(driverConfig(file)),
      createIntrospector: (open) => new SqliteIntrospector(open),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
  return {
    engine: "sqlite",
    db,
    transact: (work) => retryRaces(() => db.transaction().execute(work), isBusy),
    // A write transaction is alone as it is.
    lockMigrations: async () => {},
    lockChanges: async () => {},
    lockPayments: async () => {},
    // Watchers see that the file changed.
    announce: async () => {},
    insertNew: async (_tx, into, rows) => insertNew(file, into, rows),
    insertRows: async (_tx, into, rows) => insertRows(file, into, rows),
    addSums: async (_tx, into, rows) => addSums(file, into, rows),
    addToRows: async (_tx, into, rows) => addToRows(file, into, rows),
    watch: (onChange) => watch(file, onChange),
    isDurable: () => isCheckpointed(db),
    close: () => db.destroy(),
  };
}

/**
 * Kysely's driver hands its one connection to one transaction at a time. What it lacks is `immediate`: a
 * transaction that reads first and writes later would otherwise fail when another process wrote in between.
 */
class ImmediateDriver extends SqliteDriver {
  override async beginTransaction(
    connection: DatabaseConnection,
    settings?: TransactionSettings,
  ): Promise<void> {
    const begin = settings?.accessMode === "read only" ? "begin" : "begin immediate";
    await connection.executeQuery(CompiledQuery.raw(begin));
  }
}

const driverConfig = (file: SqliteFile): SqliteDialectConfig => ({
  database: {
    prepare: (text) => {
      const statement = file.query(text);
      const bind = (parameters: readonly unknown[]) => parameters as never;
      return {
        reader: Reflect.get(statement, "reader") === true,
        all: (parameters) => statement.all(bind(parameters)),
        run: (parameters) => statement.run(bind(parameters)),
        iterate: (parameters) => statement.iterate(bind(parameters)),
      };
    },
    close: () => file.close(),
  },
});

const isBusy = (thrown: unknown): boolean =>
  thrown instanceof Error && "code" in thrown && String(thrown.code).startsWith("SQLITE_BUSY");

/**
 * One prepared statement, run once a row: on the connection that the open transaction has to itself, and without
 * Kysely in between, which would spend more time on a row than SQLite does.
 */
function insertNew(file: SqliteFile, into: BulkTable, rows: readonly BulkRow[]): readonly string[] {
  const statement = file.query(`${insertInto(into)} on conflict do nothing`);
  const added: string[] = [];
  for (const row of rows) {
    if (statement.run(row as never).changes > 0) added.push(String(row[0]));
  }
  return added;
}

function insertRows(file: SqliteFile, into: BulkTable, rows: readonly BulkRow[]): void {
  const statement = file.query(insertInto(into));
  for (const row of rows) statement.run(row as never);
}

function insertInto({ table, columns }: BulkTable): string {
  const names = Object.keys(columns).map((name) => `"${name}"`);
  return `insert into ${table} (${names.join(",")}) values (${names.map(() => "?").join(",")})`;
}

function addSums(file: SqliteFile, into: SumTable, rows: readonly BulkRow[]): void {
  if (rows.length === 0) return;
  const columns = [...Object.keys(into.columns), ...into.sums];
  const statement = file.query(
    `insert into ${into.table} (${columns.join(",")}) values (${columns.map(() => "?").join(",")})
     ${addingUp(into)}`,
  );
  for (const row of rows) statement.run(row as never);
}

function addToRows<Row extends BulkRow>(
  file: SqliteFile,
  { table, key, sum }: RowsTable,
  rows: readonly Row[],
): readonly Row[] {
  const places = key.map((column, i) => `${column} = ?${i + 1}`).join(" and ");
  const statement = file.query(
    `update ${table} set ${sum} = ${sum} + ?${key.length + 1} where ${places}`,
  );
  return rows.filter((row) => statement.run(row as never).changes > 0);
}

/**
 * A commit alone is not on the disk yet (`synchronous = normal`), what was checkpointed is. A reader of an older
 * moment can keep some of it back; then it is not so now, and may be so the next time.
 */
async function isCheckpointed(db: Kysely<Schema>): Promise<boolean> {
  const query = sql<{ log: bigint; checkpointed: bigint }>`pragma wal_checkpoint(passive)`;
  const [row] = (await query.execute(db)).rows;
  return row !== undefined && row.checkpointed === row.log;
}

/** `data_version` moves when another connection commits; our own changes are told by whoever makes them. */
async function watch(file: SqliteFile, onChange: () => void): Promise<() => Promise<void>> {
  const version = file.query<{ data_version: bigint }, []>("pragma data_version");
  let seen = version.get()?.data_version;
  const timer = setInterval(() => {
    const now = version.get()?.data_version;
    if (now === seen) return;
    seen = now;
    onChange();
  }, WATCH_MS);
  return async () => clearInterval(timer);
}
