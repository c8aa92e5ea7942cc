/** What statements are made of: sums by account and day, and sums of usage. Never the transfers themselves. */
import { sql } from "kysely";
import { DAY_MS } from "../../kernel/clock.js";
import { nanoUsd } from "../../kernel/money.js";
import { CALENDAR, type Period, periodAt } from "../../kernel/period.js";
import {
  type AccountSum,
  type MonthSum,
  type Statement,
  type StatementUsage,
  statementOf,
} from "../../ledger/statement.js";
import type { Database } from "../database.js";

/** Months and statements of payers, which are named by their buckets. */
export const statementReader = (database: Database) => ({
  /** Every month in which something moved on the payer's accounts, newest first. */
  months: (payer: string): Promise<readonly MonthSum[]> => monthsOf(database, payer),

  statement: async (payer: string, month: Period): Promise<Statement> =>
    statementOf(
      payer,
      month,
      await accountSums(database, payer, month),
      await usageIn(database, payer, month),
    ),
});

async function monthsOf({ db }: Database, payer: string): Promise<readonly MonthSum[]> {
  const charged = sql<bigint>`cast(sum(case when code in ('settle', 'adjust')
    then debited - credited else 0 end) as bigint)`;
  const due = sql<bigint>`cast(sum(case when code in ('settle', 'adjust')
    and grant_kind = 'pay_as_you_go' then debited - credited else 0 end) as bigint)`;
  const days = await db
    .selectFrom("account_days")
    .innerJoin("accounts", "accounts.id", "account_days.account")
    .select(["day", charged.as("charged"), due.as("due")])
    .where("bucket", "=", payer)
    .groupBy("day")
    .orderBy("day", "desc")
    .execute();
  const monthOf = (day: bigint) => periodAt(CALENDAR, Number(day) * DAY_MS);
  const byMonth = Map.groupBy(days, ({ day }) => monthOf(day).start);
  return [...byMonth].map(([start, some]): MonthSum => {
    const month = periodAt(CALENDAR, start);
    const sum = (pick: (day: (typeof some)[number]) => bigint) =>
      nanoUsd(some.reduce((total, day) => total + pick(day), 0n));
    return { month, charged: sum((day) => day.charged), due: sum((day) => day.due) };
  });
}

async function accountSums(
  { db }: Database,
  payer: string,
  { start, end }: Period,
): Promise<readonly AccountSum[]> {
  const isBefore = sql<bigint>`case when day < ${sql.lit(start / DAY_MS)} then 1 else 0 end`;
  const total = (column: "debited" | "credited") =>
    sql<bigint>`cast(sum(${sql.ref(column)}) as bigint)`.as(column);
  const rows = await db
    .selectFrom("account_days")
    .innerJoin("accounts", "accounts.id", "account_days.account")
    .select(["account", "code", "kind", "grant_kind", "opened_at", "expires_at"])
    .select([isBefore.as("is_before"), total("debited"), total("credited")])
    .where("bucket", "=", payer)
    .where("day", "<", BigInt(end / DAY_MS))
    .groupBy(["account", "code", "kind", "grant_kind", "opened_at", "expires_at", isBefore])
    .orderBy("opened_at")
    .orderBy("account")
    .orderBy("code")
    .execute();
  return rows.map((row) => ({
    account: row.account,
    kind: row.grant_kind ?? row.kind,
    expiresAt: row.expires_at === null ? undefined : Number(row.expires_at),
    code: row.code,
    isBefore: BigInt(row.is_before) === 1n,
    debited: row.debited,
    credited: row.credited,
  }));
}

async function usageIn(
  { db }: Database,
  payer: string,
  { start, end }: Period,
): Promise<readonly StatementUsage[]> {
  const total = <Name extends string>(what: string, name: Name) =>
    sql<bigint>`cast(sum(${sql.raw(what)}) as bigint)`.as(name);
  const rows = await db
    .selectFrom("usage_hourly")
    .select(["model", "provider", "own_key"])
    .select([
      total("requests", "requests"),
      total("input_tokens", "input_tokens"),
      total("output_tokens", "output_tokens"),
      total("cost - overrun", "charged"),
    ])
    .where("payer", "=", payer)
    .where("hour", ">=", BigInt(start))
    .where("hour", "<", BigInt(end))
    .groupBy(["model", "provider", "own_key"])
    .orderBy("charged", "desc")
    .orderBy("model")
    .orderBy("provider")
    .execute();
  return rows.map((row) => ({
    model: row.model,
    provider: row.provider,
    isOwnKey: row.own_key === 1n,
    requests: Number(row.requests),
    inputTokens: Number(row.input_tokens),
    outputTokens: Number(row.output_tokens),
    charged: nanoUsd(row.charged),
  }));
}
