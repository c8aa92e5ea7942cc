/** What requests used besides tokens, what providers say later of their cost, and how far that is from our count. */
import { sql } from "kysely";
import type { Tx } from "../schema.js";

export async function costs(tx: Tx): Promise<void> {
  await sql`alter table requests add column cache_write_tokens bigint not null default 0`.execute(
    tx,
  );
  await sql`alter table requests add column measured text`.execute(tx);
  await sql`alter table requests add column counted bigint`.execute(tx);
  await sql`create table late_costs (
    request text not null primary key,
    provider text not null,
    provider_request text not null,
    buckets text not null,
    at bigint not null,
    asks bigint not null,
    state text not null,
    settled_by text,
    settled_at bigint
  )`.execute(tx);
  // Nearly all are settled within minutes and never looked for again.
  await sql`create index late_costs_waiting on late_costs (provider, request) where state = 'waiting'`.execute(
    tx,
  );
  // Whoever asks about a job knows it by the provider's id.
  await sql`create index late_costs_job on late_costs (provider_request, provider)`.execute(tx);
  await sql`create table cost_drift (
    day bigint not null,
    provider text not null,
    requests bigint not null,
    counted bigint not null,
    reported bigint not null,
    above bigint not null,
    below bigint not null,
    unbilled bigint not null,
    primary key (day, provider)
  )`.execute(tx);
  await sql`create table job_turns (
    job text not null primary key,
    node text not null,
    until bigint not null
  )`.execute(tx);
}
