import { type Kysely, sql } from "kysely";
import { LOSS } from "../../ledger/account.js";
import type { Database } from "../database.js";
import { beforeSlash } from "../ledger/transfers.js";
import type { Schema } from "../schema.js";

/** Every paid payment is one grant of its amount, and what went back of it is what transfers moved. */
export async function checkPayments(
  db: Kysely<Schema>,
  engine: Database["engine"],
  faults: string[],
  shown: number,
): Promise<void> {
  await checkGrants(db, faults, shown);
  await checkReversals(db, engine, faults, shown);
}

async function checkGrants(db: Kysely<Schema>, faults: string[], shown: number): Promise<void> {
  const wrong = await db
    .selectFrom("payments")
    .leftJoin("accounts", "accounts.id", "payments.grant_id")
    .select(["payments.id", "state", "amount", "granted"])
    .where(
      sql<bigint>`case when state = 'paid' then amount else 0 end`,
      "!=",
      sql<bigint>`coalesce(granted, 0)`,
    )
    .limit(shown)
    .execute();
  for (const { id, state, amount, granted } of wrong) {
    faults.push(`payment ${id}: ${state} for ${amount}, ${granted ?? "nothing"} was granted`);
  }
}

/** The transfers of a payment are named for it: `payment:<id>/<number>`. */
async function checkReversals(
  db: Kysely<Schema>,
  engine: Database["engine"],
  faults: string[],
  shown: number,
): Promise<void> {
  const { rows } = await sql<{ id: string; back: bigint; lost: bigint }>`
    select payment as id, cast(sum(back) as bigint) as back, cast(sum(lost) as bigint) as lost
    from (
      select 'payment:' || id as payment, taken_back as back, lost from payments
      union all
      select ${beforeSlash[engine]},
        case when debit like 'grant:%' then -amount when credit like 'grant:%' then amount else 0 end,
        case when debit = ${LOSS} then -amount when credit = ${LOSS} then amount else 0 end
      from transfers where code in ('take_back', 'loss', 'restore')
    ) as sides
    group by payment
    having sum(back) <> 0 or sum(lost) <> 0
    limit ${sql.lit(shown)}`.execute(db);
  for (const { id, back, lost } of rows) {
    faults.push(`${id}: its taken back and lost differ from its transfers by ${back} and ${lost}`);
  }
}
