/**
 * Forgets what is old, a little at a time. The ledger is never forgotten: of requests that go, their costs stay
 * behind as one sum for each provider, so that the books can still be proved.
 */
import { sql } from "kysely";
import { DAY_MS } from "../../kernel/clock.js";
import type { BulkRow, Database, SumTable } from "../database.js";
import type { Tx } from "../schema.js";
import { Sums } from "../sums.js";
import { TAGGED_USAGE, USAGE } from "./usage-sums.js";

/** All but the first take `count` rows at most, and tell how many they took: 0 when nothing is left to do. */
export const retentionStore = (database: Database) => ({
  /**
   * Looks at `count` requests, in the order of their ids, which is about that of time, from `after` on, and forgets
   * those from before `before`. Requests whose cost is still to be told stay.
   */
  forgetRequests: (page: RequestPage): Promise<RequestPageEnd> =>
    database.transact((tx) => forgetRequests(database, tx, page)),

  /** Puts hours of days that ended by `before` together into the hour that their day begins with. */
  foldHours: (before: number, count: number): Promise<number> =>
    database.transact(async (tx) => {
      const plain = await foldHours(database, tx, USAGE, before, count);
      return plain > 0 ? plain : foldHours(database, tx, TAGGED_USAGE, before, count);
    }),

  forgetUsage: (before: number, count: number): Promise<number> =>
    database.transact(async (tx) => {
      const until = sql`hour < ${BigInt(before)}`;
      const plain = await takeOut(tx, USAGE, until, count);
      if (plain.length > 0) return plain.length;
      return (await takeOut(tx, TAGGED_USAGE, until, count)).length;
    }),

  forgetCallCosts: async (beforeMonth: number, count: number): Promise<number> =>
    database.transact(async (tx) => {
      const until = sql`month < ${BigInt(beforeMonth)}`;
      return (await takeOut(tx, CALL_COSTS, until, count)).length;
    }),

  /** Idempotency keys. */
  forgetKeys: (before: number, count: number): Promise<number> =>
    database.transact(async (tx) => {
      const until = sql`at <= ${BigInt(before)}`;
      return (await takeOut(tx, KEYS, until, count)).length;
    }),
});

const CALL_COSTS = { table: "call_costs", key: ["model", "provider", "month", "bucket"] } as const;
const USER_REQUESTS = { table: "user_requests", key: ["user_id", "at", "id"] } as const;
const KEYS = { table: "idempotency_keys", key: ["payer", "key"] } as const;

type RequestPage = {
  readonly before: number;
  readonly after: string;
  readonly count: number;
};

type RequestPageEnd = {
  readonly forgotten: number;
  /** The last id looked at; undefined when this page was the last one worth looking at. */
  readonly last: string | undefined;
};

async function forgetRequests(
  database: Database,
  tx: Tx,
  { before, after, count }: RequestPage,
): Promise<RequestPageEnd> {
  const page = await tx
    .selectFrom("requests")
    .leftJoin("late_costs", "late_costs.request", "requests.id")
    .select(["requests.id", "requests.at", "late_costs.state"])
    .select(["requests.provider", "requests.cost", "requests.own_key"])
    .where("requests.id", ">", after)
    .orderBy("requests.id")
    .limit(count)
    .execute();
  const old = page.filter(({ at }) => at < BigInt(before));
  const gone = old.filter(({ state }) => state !== "waiting");
  const ids = gone.map(({ id }) => id);
  if (ids.length > 0) {
    await postTransfersOf(tx, ids);
    await tx.deleteFrom("settlements").where("id", "in", ids).execute();
    const sums = new Sums(FORGOTTEN);
    for (const { provider, cost, own_key } of gone) {
      sums.add([provider], [1, own_key === 1n ? 0n : cost]);
    }
    await sums.write(database, tx);
    await tx.deleteFrom("late_costs").where("request", "in", ids).execute();
  }
  await takeOut(tx, USER_REQUESTS, sql`at < ${BigInt(before)}`, count);
  const isLast = page.length < count || old.length === 0;
  return { forgotten: ids.length, last: isLast ? undefined : page.at(-1)?.id };
}

/** What is read from the rows of settlements is written out before they go. */
async function postTransfersOf(tx: Tx, requestIds: readonly string[]): Promise<void> {
  await tx
    .insertInto("posted_transfers")
    .columns(["id", "debit", "credit", "amount", "code", "at"])
    .expression((e) =>
      e
        .selectFrom("settled_transfers")
        .select(["id", "debit", "credit", "amount", "code", "at"])
        .where("request", "in", requestIds),
    )
    .execute();
}

const FORGOTTEN: SumTable = {
  table: "requests_forgotten",
  columns: { provider: "text" },
  key: ["provider"],
  sums: ["requests", "cost"],
};

async function foldHours(
  database: Database,
  tx: Tx,
  table: SumTable,
  before: number,
  count: number,
): Promise<number> {
  const day = await firstUnfolded(tx, table, before);
  if (day === undefined) return 0;
  const within = sql`hour > ${day} and hour < ${day + BigInt(DAY_MS)}`;
  const rows = await takeOut(tx, table, within, count);
  const sums = new Sums(table);
  const columns = Object.keys(table.columns);
  for (const row of rows) {
    const key = columns.map((column) => (column === "hour" ? Number(day) : cellOf(row[column])));
    sums.add(
      key,
      table.sums.map((column) => BigInt(row[column] ?? 0)),
    );
  }
  await sums.write(database, tx);
  return rows.length;
}

const cellOf = (cell: BulkRow[number] | undefined): string | number =>
  typeof cell === "string" ? cell : Number(cell);

/** The first whole day before `before` that has sums of other hours than its first: one look-up for every day. */
async function firstUnfolded(
  tx: Tx,
  { table }: SumTable,
  before: number,
): Promise<bigint | undefined> {
  const day = sql.lit(DAY_MS);
  const { rows } = await sql<{ day: bigint }>`
    with recursive days(day) as (
      select (select min(hour) from ${sql.table(table)}) / ${day} * ${day}
      union all
      select day + ${day} from days where day + 2 * ${day} <= ${BigInt(before)}
    )
    select day from days where day + ${day} <= ${BigInt(before)} and exists (
      select 1 from ${sql.table(table)} where hour > day and hour < day + ${day}
    ) order by day limit 1`.execute(tx);
  return rows[0]?.day;
}

type Row = Readonly<Record<string, BulkRow[number]>>;

/** Deletes up to `count` rows that meet a condition, in the order of their keys, and returns them. */
async function takeOut(
  tx: Tx,
  { table, key }: Pick<SumTable, "key"> & { readonly table: string },
  condition: ReturnType<typeof sql>,
  count: number,
): Promise<readonly Row[]> {
  const keys = sql.raw(key.join(","));
  const { rows } = await sql<Row>`
    delete from ${sql.table(table)} where (${keys}) in (
      select ${keys} from ${sql.table(table)} where ${condition} order by ${keys} limit ${sql.lit(count)}
    ) returning *`.execute(tx);
  return rows;
}
