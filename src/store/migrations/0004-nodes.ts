import { sql } from "kysely";
import type { Tx } from "../schema.js";

/**
 * Nodes have claims on their leases, and renew them. A claim has a row of its own, so that renewing it never waits
 * for a drain, which locks its node. Nodes of before never renewed one, and are taken for silent until they go.
 */
export async function nodes(tx: Tx): Promise<void> {
  const add = (column: string) => sql`alter table nodes add column ${sql.raw(column)}`.execute(tx);
  await add("host text not null default ''");
  await add("valid_ms bigint not null default 0");
  await add("fenced_at bigint");
  await add("closed_at bigint");
  await sql`create table claims (
    node text primary key, beat bigint not null, beat_at bigint not null, ended_at bigint)`.execute(
    tx,
  );
  // A node without a lease is gone, or has nothing that anybody could miss.
  await sql`update nodes set closed_at = opened_at
    where not exists (select 1 from leases where leases.node = nodes.id)`.execute(tx);
  await sql`insert into claims select id, 0, opened_at, closed_at from nodes`.execute(tx);
}
