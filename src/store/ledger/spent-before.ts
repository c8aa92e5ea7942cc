/** A monthly limit counts the whole month, also where it was set in the middle of it. */
import { type SelectQueryBuilder, sql } from "kysely";
import { nanoUsd } from "../../kernel/money.js";
import { CALENDAR, periodAt } from "../../kernel/period.js";
import { USED } from "../../ledger/account.js";
import type { Database } from "../database.js";
import type { Schema, Tx } from "../schema.js";
import { type OwnedRow, resize } from "./accounts.js";
import { post } from "./transfers.js";

type Usage = SelectQueryBuilder<Schema, "usage_hourly", object>;

/** Which requests a bucket's limit is about, by the kind of bucket. */
const ABOUT: Readonly<Record<string, (usage: Usage, id: string, userId: string) => Usage>> = {
  "org-limit": (usage, id) => usage.where("payer", "=", `org:${id}`),
  group: (usage, id) => usage.where("group_id", "=", id),
  member: (usage, id, userId) =>
    usage.where("payer", "=", `org:${id}`).where("user_id", "=", userId),
};

/**
 * Charges a limit's account with what was spent this month and is not counted on it yet, as far as the store has
 * heard. The account holds at least that much then, whatever the limit is.
 */
export async function countSpent(
  database: Database,
  tx: Tx,
  row: OwnedRow,
  now: number,
): Promise<OwnedRow> {
  const missing = (await spentThisMonth(tx, row.bucket, now)) - (row.granted - row.balance);
  if (missing <= 0n) return row;
  const unleased = row.balance - row.leased;
  const larger =
    missing > unleased ? await resize(database, tx, row, missing - unleased, now) : row;
  const charged = row.granted - row.balance + missing;
  const id = `count:${row.id}:${charged}`;
  const amount = nanoUsd(missing);
  await post(database, tx, [{ id, debit: row.id, credit: USED, amount, code: "count", at: now }]);
  return { ...larger, balance: larger.balance - missing };
}

async function spentThisMonth(tx: Tx, bucketId: string, now: number): Promise<bigint> {
  const [kind = "", id = "", userId = ""] = bucketId.split(":");
  const about = ABOUT[kind];
  if (!about) return 0n;
  const { start } = periodAt(CALENDAR, now);
  const { spent } = await about(tx.selectFrom("usage_hourly"), id, userId)
    .where("hour", ">=", BigInt(start))
    .select(sql<bigint>`cast(coalesce(sum(cost - overrun), 0) as bigint)`.as("spent"))
    .executeTakeFirstOrThrow();
  return spent;
}
