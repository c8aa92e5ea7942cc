import { CompiledQuery, Kysely, PostgresDialect, sql } from "kysely";
import pg from "pg";
import {
  type BulkRow,
  type BulkTable,
  type Database,
  type RowsTable,
  retryRaces,
  type SumTable,
} from "../database.js";
import type { Schema, Tx } from "../schema.js";
import { addingUp } from "../sums.js";
import { copyingPool, copyLines } from "./copy.js";

const CONNECTIONS_MAX = 8;
const CONNECT_MS = 3_000;
/** No statement of ours takes long; one that does is stuck behind a lost connection. */
const STATEMENT_MS = 30_000;
/**
 * A process that is halted or cut off in the middle of a transaction would keep its locks, and everybody who wants
 * them waiting, until the connection is given up hours later. Ours have nothing to wait for between two statements.
 */
const IDLE_IN_TRANSACTION_MS = 5_000;
/** Changes are notified; this catches those sent while the listener was reconnecting. */
const POLL_MS = 500;
const RECONNECT_MS = 250;
const CHANNEL = "turnpike_changes";
const INT8 = 20;
/** Arbitrary, ours: advisory locks share one space per database. */
const MIGRATION_LOCK = 7_411_070_001n;
const CHANGES_LOCK = 7_411_070_002n;
const PAYMENTS_LOCK = 7_411_070_003n;

/** Connects at the first query. `url` is `postgres://…`. */
export function openPostgres(url: string): Database {
  const pool = new pg.Pool({ ...settings(url), max: CONNECTIONS_MAX });
  // A connection that breaks while idle is replaced at the next query; without a listener it would end us.
  pool.on("error", () => {});
  // One that breaks between two statements of a transaction tells nobody but its own listeners, and the next
  // statement fails all the same.
  pool.on("connect", (client) => client.on("error", () => {}));
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: copyingPool(pool) }) });
  return {
    engine: "postgres",
    db,
    transact: (work) => retryRaces(() => db.transaction().execute(work), isLostRace),
    lockMigrations: (tx) => lock(tx, MIGRATION_LOCK),
    lockChanges: (tx) => lock(tx, CHANGES_LOCK),
    lockPayments: (tx) => lock(tx, PAYMENTS_LOCK),
    announce,
    insertNew,
    insertRows,
    addSums,
    addToRows,
    watch: (onChange) => watch(url, onChange),
    // It syncs before it says that a transaction is committed, unless its operator told it not to.
    isDurable: async () => true,
    close: () => db.destroy(),
  };
}

async function announce(tx: Tx): Promise<void> {
  await sql`select pg_notify(${CHANNEL}, '')`.execute(tx);
}

const settings = (url: string): pg.ClientConfig => ({
  connectionString: url,
  connectionTimeoutMillis: CONNECT_MS,
  query_timeout: STATEMENT_MS,
  idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  keepAlive: true,
  types: {
    getTypeParser: ((oid: number, format: "text") =>
      oid === INT8 ? BigInt : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
  },
});

async function lock(tx: Tx, name: bigint): Promise<void> {
  await sql`select pg_advisory_xact_lock(${name})`.execute(tx);
}

/**
 * Serialization failure, deadlock, a row that another transaction added first: the transaction was undone and may
 * simply be run again. No statement of ours means to add what is there.
 */
const isLostRace = (thrown: unknown): boolean =>
  thrown instanceof Error && "code" in thrown && LOST_RACES.has(String(thrown.code));
const LOST_RACES: ReadonlySet<string> = new Set(["40001", "40P01", "23505"]);

/** Looks first, since `copy` cannot skip. Whoever adds the same at the same moment makes one of both try again. */
async function insertNew(
  tx: Tx,
  into: BulkTable,
  rows: readonly BulkRow[],
): Promise<readonly string[]> {
  if (rows.length === 0) return [];
  const fresh = new Map<string, BulkRow>();
  for (const row of rows) if (!fresh.has(String(row[0]))) fresh.set(String(row[0]), row);
  const known = await tx.executeQuery<{ id: string }>(
    CompiledQuery.raw(`select id from ${into.table} where id = any($1::text[])`, [
      arrayOf([...fresh.keys()]),
    ]) as CompiledQuery<{ id: string }>,
  );
  for (const { id } of known.rows) fresh.delete(id);
  await insertRows(tx, into, [...fresh.values()]);
  return [...fresh.keys()];
}

async function insertRows(
  tx: Tx,
  { table, columns }: BulkTable,
  rows: readonly BulkRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const names = Object.keys(columns).map((name) => `"${name}"`);
  const copy = `copy ${table} (${names.join(",")}) from stdin`;
  await tx.executeQuery(CompiledQuery.raw(copy, [copyLines(rows)]));
}

/** Cells as Postgres reads an array; `pg` would take several times as long to print them. */
const arrayOf = (cells: readonly BulkRow[number][]): string =>
  `{${cells.map(arrayCell).join(",")}}`;

function arrayCell(cell: BulkRow[number]): string {
  if (cell === null) return "null";
  return typeof cell === "string" ? `"${cell.replace(/["\\]/g, "\\$&")}"` : String(cell);
}

async function addSums(tx: Tx, into: SumTable, rows: readonly BulkRow[]): Promise<void> {
  if (rows.length === 0) return;
  const columns = [...Object.keys(into.columns), ...into.sums];
  const types = [...Object.values(into.columns), ...into.sums.map(() => "bigint")];
  const query = CompiledQuery.raw(
    `insert into ${into.table} (${columns.join(",")})
     select * from unnest(${types.map((type, i) => `$${i + 1}::${type}[]`).join(",")})
     ${addingUp(into)}`,
    columns.map((_, i) => arrayOf(rows.map((row) => row[i] ?? null))),
  );
  await tx.executeQuery(query);
}

async function addToRows<Row extends BulkRow>(
  tx: Tx,
  { table, key, sum }: RowsTable,
  rows: readonly Row[],
): Promise<readonly Row[]> {
  if (rows.length === 0) return [];
  const arrays = [...key.map((_, i) => `$${i + 1}::text[]`), `$${key.length + 1}::bigint[]`];
  const query = CompiledQuery.raw(
    `update ${table} set ${sum} = ${table}.${sum} + added.amount
     from unnest(${arrays.join(",")}) with ordinality as added (${key.join(",")}, amount, place)
     where ${key.map((column) => `${table}.${column} = added.${column}`).join(" and ")}
     returning added.place`,
    arrays.map((_, i) => arrayOf(rows.map((row) => row[i] ?? null))),
  );
  const result = await tx.executeQuery<{ place: bigint }>(
    query as CompiledQuery<{ place: bigint }>,
  );
  const places = new Set(result.rows.map(({ place }) => Number(place)));
  return rows.filter((_, i) => places.has(i + 1));
}

async function watch(url: string, onChange: () => void): Promise<() => Promise<void>> {
  let isStopped = false;
  let client: pg.Client | undefined;
  const listen = async (): Promise<void> => {
    while (!isStopped) {
      const fresh = new pg.Client(settings(url));
      const broken = new Promise<void>((resolve) => {
        fresh.on("error", () => resolve());
        fresh.on("end", () => resolve());
      });
      try {
        await fresh.connect();
        client = fresh;
        // Whoever stopped meanwhile had no connection yet to end.
        if (isStopped) return await fresh.end();
        fresh.on("notification", onChange);
        await fresh.query(`listen ${CHANNEL}`);
        onChange();
        await broken;
      } catch {
        // The store is away: the poll goes on, and the next round tries to listen again.
      }
      if (!isStopped) await Bun.sleep(RECONNECT_MS);
    }
  };
  const listening = listen();
  const timer = setInterval(onChange, POLL_MS);
  return async () => {
    isStopped = true;
    clearInterval(timer);
    await client?.end();
    await listening;
  };
}
