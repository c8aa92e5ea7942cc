import { sql, type Transaction } from "kysely";
import type { Schema } from "../schema.js";

/** Nodes renew a claim on their leases. Those of before never did, so they are taken for silent until they go. */
export async function nodes(tx: Transaction<Schema>): Promise<void> {
  const add = (column: string) => sql`alter table nodes add column ${sql.raw(column)}`.execute(tx);
  await add("host text not null default ''");
  await add("valid_ms bigint not null default 0");
  await add("beat bigint not null default 0");
  await add("beat_at bigint not null default 0");
  await add("fenced_at bigint");
  await add("closed_at bigint");
  // A node without a lease is gone, or has nothing that anybody could miss.
  await sql`update nodes set closed_at = opened_at
    where not exists (select 1 from leases where leases.node = nodes.id)`.execute(tx);
}
