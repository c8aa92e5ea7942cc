/** Reads of what was used, from the sums by hour: never from the requests. */
import { sql } from "kysely";
import { DAY_MS, HOUR_MS } from "../../kernel/clock.js";
import { badRequest } from "../../kernel/errors.js";
import { USAGE_ROWS_MAX } from "../../kernel/limits.js";
import { type NanoUsd, nanoUsd } from "../../kernel/money.js";
import { printDay, printTime } from "../../kernel/print-time.js";
import { MEASURES, type MeasuredSums } from "../../tasks/usage.js";
import type { UsageBy, UsageQuery } from "../../wire/usage-query.js";
import type { Database } from "../database.js";
import { MEASURE_COLUMNS, USAGE_SUMS } from "./usage-columns.js";

/** Whose usage: what somebody did, or what somebody paid for. */
export type UsageOf = { readonly userId: string } | { readonly payer: string };

export type UsageRow = {
  /** In the order of `by`. */
  readonly keys: readonly string[];
  readonly isOwnKey: boolean;
  readonly requests: number;
  /** Of these, how many delivered nothing or broke off. */
  readonly failed: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly measured: MeasuredSums;
  /** What the payer was charged, and what the operator bore beyond that. */
  readonly charged: NanoUsd;
  readonly overrun: NanoUsd;
};

const KEYS: Readonly<Record<UsageBy, string>> = {
  model: "model",
  provider: "provider",
  hour: "cast(hour as text)",
  day: `cast(hour / ${DAY_MS} as text)`,
  token: "token_id",
  member: "user_id",
  payer: "payer",
  group: "group_id",
  tag: "tag",
  key: "case when own_key = 1 then 'own' else 'routed' end",
};

/** Usage of a user or a payer, told apart as the query asks. */
export const usageReports = (database: Database) => ({
  /**
   * One row per value of `by` and kind of key: in the order of time where that is told apart, else dearest first.
   * Throws a RouterError for more rows than anyone can read.
   */
  report: async (of: UsageOf, query: UsageQuery): Promise<readonly UsageRow[]> => {
    const rows = await readRows(database, of, query, query.by);
    if (rows.length > USAGE_ROWS_MAX) {
      throw badRequest(
        `These are more than ${USAGE_ROWS_MAX} rows. Ask for less time at once, or by fewer things.`,
        "by",
      );
    }
    const isInTime = query.by.some((each) => each === "hour" || each === "day");
    return isInTime ? rows.sort(byTime(query.by)) : rows;
  },

  /** All of it together, which the rows by tag do not add up to: a request counts with each of its tags. */
  total: async (of: UsageOf, query: UsageQuery): Promise<NanoUsd> => {
    const tag = query.tag?.includes("=") ? query.tag : undefined;
    const rows = await readRows(database, of, { ...query, tag }, []);
    return nanoUsd(rows.reduce((sum, { charged }) => sum + charged, 0n));
  },
});

async function readRows(
  { db }: Database,
  of: UsageOf,
  { since, until, tag }: UsageQuery,
  by: readonly UsageBy[],
): Promise<UsageRow[]> {
  const isTagged = tag !== undefined || by.includes("tag");
  const groups = by.map((each) => sql.raw(KEYS[each]));
  const keys = groups.map((key, i) => sql`${key} as ${sql.ref(`key_${i}`)}`);
  const sums = USAGE_SUMS.map(
    (sum) => sql`cast(sum(${sql.ref(sum)}) as bigint) as ${sql.ref(sum)}`,
  );
  const whose = "payer" in of ? sql`payer = ${of.payer}` : sql`user_id = ${of.userId}`;
  const { rows } = await sql<StoredRow>`
    select ${sql.join([...keys, sql`own_key`, ...sums])}
    from ${sql.table(isTagged ? "usage_tags_hourly" : "usage_hourly")}
    where ${whose} and hour >= ${BigInt(hourOf(since))} and hour < ${BigInt(until)} and ${tagged(tag)}
    group by ${sql.join([...groups, sql`own_key`])}
    order by cost desc
    limit ${sql.lit(USAGE_ROWS_MAX + 1)}`.execute(db);
  return rows.map((row) => toUsageRow(row, by));
}

function tagged(tag: string | undefined) {
  if (tag === undefined) return sql`1 = 1`;
  if (tag.includes("=")) return sql`tag = ${tag}`;
  return sql`substr(tag, 1, ${sql.lit(tag.length + 1)}) = ${`${tag}=`}`;
}

type StoredRow = Readonly<Record<(typeof USAGE_SUMS)[number] | "own_key", bigint>> &
  Readonly<Record<`key_${number}`, string>>;

const toUsageRow = (row: StoredRow, by: readonly UsageBy[]): UsageRow => ({
  keys: by.map((each, i) => keyText(each, row[`key_${i}`] ?? "")),
  isOwnKey: row.own_key === 1n,
  requests: Number(row.requests),
  failed: Number(row.failed),
  inputTokens: Number(row.input_tokens),
  cachedInputTokens: Number(row.cached_input_tokens),
  outputTokens: Number(row.output_tokens),
  reasoningTokens: Number(row.reasoning_tokens),
  measured: Object.fromEntries(
    MEASURES.flatMap((measure) => {
      const sum = row[MEASURE_COLUMNS[measure]];
      return sum === 0n ? [] : [[measure, sum]];
    }),
  ),
  charged: nanoUsd(row.cost - row.overrun),
  overrun: nanoUsd(row.overrun),
});

function keyText(by: UsageBy, key: string): string {
  if (by === "day") return printDay(Number(key) * DAY_MS);
  if (by === "hour") return `${printTime(Number(key)).slice(0, 19)}Z`;
  return key;
}

/** Sorting keeps the order of cost among those of one time. */
function byTime(by: readonly UsageBy[]) {
  const places = by.flatMap((each, i) => (each === "hour" || each === "day" ? [i] : []));
  const timeOf = ({ keys }: UsageRow) => places.map((i) => keys[i]).join(" ");
  return (a: UsageRow, b: UsageRow): number =>
    timeOf(a) < timeOf(b) ? -1 : Number(timeOf(a) > timeOf(b));
}

const hourOf = (at: number): number => Math.floor(at / HOUR_MS) * HOUR_MS;
