/** How jobs are asked for whose callers do not. */
import { sql } from "kysely";
import type { Tx } from "../schema.js";

export async function jobLooks(tx: Tx): Promise<void> {
  await sql`alter table late_costs add column look text`.execute(tx);
  await sql`alter table late_costs add column ask_at bigint`.execute(tx);
  await sql`create index late_costs_due on late_costs (ask_at)
    where state = 'waiting' and look is not null`.execute(tx);
}
