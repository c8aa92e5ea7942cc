/** Every request's money side moved exactly its cost, and an own-key request moved nothing. */
import { type Kysely, sql } from "kysely";
import type { Database } from "../database.js";
import type { Schema } from "../schema.js";
import { beforeSlash } from "./transfers.js";

/** More than there are providers. */
const ROWS_READ = 10_000;

/** A request whose cost is not what its provider was credited, or the sum of a provider's that are missing. */
type Odd = {
  first: string;
  provider: string;
  is_missing: bigint | number;
  cost: bigint | null;
  owed: bigint;
};

/**
 * Adds what is wrong to `faults`. Of requests that are not kept any more, what is left is one sum for each provider.
 */
export async function checkRequests(
  db: Kysely<Schema>,
  engine: Database["engine"],
  faults: string[],
): Promise<void> {
  const forgotten = await forgottenCosts(db);
  for (const { first, provider, is_missing, cost, owed } of await oddRequests(db, engine)) {
    if (BigInt(is_missing) === 0n) {
      faults.push(`request ${first}: cost ${cost}, its provider was credited ${owed}`);
      continue;
    }
    const kept = forgotten.get(provider) ?? 0n;
    forgotten.delete(provider);
    if (owed !== kept) faults.push(missing(first, provider, kept, owed));
  }
  for (const [provider, cost] of forgotten) {
    if (cost !== 0n) faults.push(missing("that is not kept any more", provider, cost, 0n));
  }
}

async function oddRequests(db: Kysely<Schema>, engine: Database["engine"]): Promise<Odd[]> {
  // What is posted for a request is named for it: `<request>/0`, `<request>/late/0`.
  const request = beforeSlash[engine];
  const { rows } = await sql<Odd>`
    with sides as (
      select ${request} as request, substr(credit, 10) as provider, amount as owed
      from posted_transfers where credit like 'provider:%'
      union all
      select ${request}, substr(debit, 10), -amount
      from posted_transfers where debit like 'provider:%'
    ), posted as (
      select request, max(provider) as provider, cast(sum(owed) as bigint) as owed
      from sides group by request
    ), paying as (
      select purse, cast(sum(to_provider) as bigint) as accounts from purse_accounts group by purse
    ), settled as (
      select settlements.id, profiles.provider, case when own_key = 0 then cost else 0 end as cost,
        charged * coalesce(accounts, 0) + unpaid + coalesce(posted.owed, 0) as owed
      from settlements
      join profiles on profiles.id = settlements.profile
      left join paying on paying.purse = settlements.purse
      left join posted on posted.request = settlements.id
    )
    select min(request) as first, provider, 1 as is_missing, null as cost,
      cast(sum(owed) as bigint) as owed
    from posted where not exists (select 1 from settlements where id = request)
    group by provider
    union all
    select id, provider, 0, cost, owed from settled where cost <> owed
    limit ${sql.lit(ROWS_READ)}`.execute(db);
  return rows;
}

const missing = (request: string, provider: string, kept: bigint, owed: bigint): string =>
  kept === 0n
    ? `request ${request}: is missing, its provider was credited ${owed}`
    : `requests of ${provider} that are not kept any more: cost ${kept}, it was credited ${owed}`;

async function forgottenCosts(db: Kysely<Schema>): Promise<Map<string, bigint>> {
  const rows = await db.selectFrom("requests_forgotten").select(["provider", "cost"]).execute();
  return new Map(rows.map(({ provider, cost }) => [provider, cost]));
}
