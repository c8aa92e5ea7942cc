import { type Kysely, sql } from "kysely";
import { DAY_MS } from "../../kernel/clock.js";
import type { AuditReport } from "../../ledger/store.js";
import type { Database } from "../database.js";
import { checkPayments } from "../payments/audit-payments.js";
import type { Schema } from "../schema.js";
import { beforeSlash } from "./transfers.js";

const FAULTS_SHOWN = 10;
/** More than there are providers. */
const ROWS_READ = 10_000;
/** Only these may owe: money, allowances and headroom come out of them without limit. */
const MAY_BE_NEGATIVE = /^(outside|overrun|loss|allowance:.*|headroom:.*)$/;
/** What these move was put into an account, or taken out of it again. */
const PUTS_IN: ReadonlySet<string> = new Set(["grant", "allow"]);
const TAKES_OUT: ReadonlySet<string> = new Set(["withdraw", "disallow"]);

/** Replays every transfer and compares what comes out with what the accounts and leases say. */
export async function auditLedger({ db, engine }: Database): Promise<AuditReport> {
  // One snapshot, so that what is written meanwhile cannot look like a fault.
  return db
    .transaction()
    .setIsolationLevel("repeatable read")
    .setAccessMode("read only")
    .execute(async (tx) => {
      const faults: string[] = [];
      await checkTransfers(tx, faults);
      const { count, ...replayed } = await replay(tx);
      const accounts = await checkAccounts(tx, replayed, faults);
      await checkRequests(tx, engine, faults);
      await checkDays(tx, faults);
      await checkPayments(tx, engine, faults, FAULTS_SHOWN);
      return {
        balanced: faults.length === 0,
        transfers: count,
        accounts,
        faults: faults.slice(0, FAULTS_SHOWN),
      };
    });
}

type Sums = Map<string, bigint>;

/** By account, what all transfers together left in it, and what they put into it to be spent. */
type Replayed = { readonly balances: Sums; readonly granted: Sums };

const add = (sums: Sums, account: string, amount: bigint) =>
  sums.set(account, (sums.get(account) ?? 0n) + amount);

/** No transfer is of nothing or less, and none goes from an account to itself. */
async function checkTransfers(db: Kysely<Schema>, faults: string[]): Promise<void> {
  const transfers = db.selectFrom("transfers").select(["id", "amount"]);
  const empty = await transfers
    .where("amount", "<=", 0n)
    .orderBy("id")
    .limit(FAULTS_SHOWN)
    .execute();
  for (const { id, amount } of empty) faults.push(`transfer ${id}: the amount is ${amount}`);
  const posted = db.selectFrom("posted_transfers").select(["id", "debit"]);
  const circular = posted.whereRef("debit", "=", "credit").orderBy("id").limit(FAULTS_SHOWN);
  for (const { id, debit } of await circular.execute()) {
    faults.push(`transfer ${id}: ${debit} pays itself`);
  }
}

async function replay(db: Kysely<Schema>): Promise<Replayed & { readonly count: number }> {
  const balances: Sums = new Map();
  const granted: Sums = new Map();
  let count = 0;
  const sums = await db
    .selectFrom("flows")
    .select(["debit", "credit", "code"])
    .select(sql<bigint>`cast(sum(amount) as bigint)`.as("amount"))
    .select(sql<bigint>`cast(sum(transfers) as bigint)`.as("transfers"))
    .groupBy(["debit", "credit", "code"])
    .execute();
  for (const { debit, credit, amount, code, transfers } of sums) {
    add(balances, debit, -amount);
    add(balances, credit, amount);
    if (PUTS_IN.has(code)) add(granted, credit, amount);
    else if (TAKES_OUT.has(code)) add(granted, debit, -amount);
    count += Number(transfers);
  }
  return { balances, granted, count };
}

async function checkAccounts(
  db: Kysely<Schema>,
  replayed: Replayed,
  faults: string[],
): Promise<number> {
  const accounts = await db.selectFrom("accounts").selectAll().orderBy("id").execute();
  const leases = await db
    .selectFrom("leases")
    .select(["account", sql<bigint>`cast(sum(taken - returned - settled) as bigint)`.as("out")])
    .groupBy("account")
    .execute();
  const leased = new Map(leases.map((lease) => [lease.account, lease.out]));
  let sum = 0n;
  for (const account of accounts) {
    sum += account.balance;
    const moved = replayed.balances.get(account.id) ?? 0n;
    const out = leased.get(account.id) ?? 0n;
    if (account.balance !== moved) {
      faults.push(`account ${account.id}: says ${account.balance}, its transfers say ${moved}`);
    }
    const granted = replayed.granted.get(account.id) ?? 0n;
    if (account.granted !== granted) {
      faults.push(
        `account ${account.id}: granted ${account.granted}, its transfers say ${granted}`,
      );
    }
    if (account.leased !== out) {
      faults.push(`account ${account.id}: ${account.leased} leased, its leases say ${out}`);
    }
    if (account.leased < 0n || account.leased > account.balance) {
      if (!MAY_BE_NEGATIVE.test(account.id)) {
        faults.push(`account ${account.id}: ${account.leased} leased of ${account.balance}`);
      }
    }
  }
  if (sum !== 0n) faults.push(`all balances sum to ${sum}, not 0`);
  const existing = new Set(accounts.map((account) => account.id));
  for (const id of replayed.balances.keys()) {
    if (!existing.has(id)) faults.push(`account ${id} is missing`);
  }
  return accounts.length;
}

/**
 * Every request's money side moved exactly its cost, and an own-key request moved nothing. Of requests that are not
 * kept any more, what is left is one sum for each provider.
 */
async function checkRequests(
  db: Kysely<Schema>,
  engine: Database["engine"],
  faults: string[],
): Promise<void> {
  const forgotten = await forgottenCosts(db);
  // What is posted for a request is named for it: `<request>/0`, `<request>/late/0`.
  const request = beforeSlash[engine];
  const { rows } = await sql<{
    first: string;
    provider: string;
    is_missing: bigint | number;
    cost: bigint | null;
    owed: bigint;
  }>`
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
  for (const { first, provider, is_missing, cost, owed } of rows) {
    const isMissing = BigInt(is_missing) === 1n;
    if (!isMissing)
      faults.push(`request ${first}: cost ${cost}, its provider was credited ${owed}`);
    const kept = forgotten.get(provider) ?? 0n;
    if (isMissing) forgotten.delete(provider);
    if (isMissing && owed !== kept) faults.push(missing(first, provider, kept, owed));
  }
  for (const [provider, cost] of forgotten) {
    if (cost !== 0n) faults.push(missing("that is not kept any more", provider, cost, 0n));
  }
}

const missing = (request: string, provider: string, kept: bigint, owed: bigint): string =>
  kept === 0n
    ? `request ${request}: is missing, its provider was credited ${owed}`
    : `requests of ${provider} that are not kept any more: cost ${kept}, it was credited ${owed}`;

async function forgottenCosts(db: Kysely<Schema>): Promise<Map<string, bigint>> {
  const rows = await db.selectFrom("requests_forgotten").select(["provider", "cost"]).execute();
  return new Map(rows.map(({ provider, cost }) => [provider, cost]));
}

/** What statements are made of says what the transfers say. */
async function checkDays(db: Kysely<Schema>, faults: string[]): Promise<void> {
  const { rows } = await sql<{ account: string; day: bigint; code: string }>`
    select account, day, code from (
      select debit as account, day, code, amount as debited, 0 as credited from flows
      union all
      select credit, day, code, 0, amount from flows
      union all
      select account, day, code, -debited, -credited from account_days
    ) as sides
    group by account, day, code having sum(debited) <> 0 or sum(credited) <> 0
    limit ${sql.lit(FAULTS_SHOWN)}`.execute(db);
  for (const { account, day, code } of rows) {
    const date = new Date(Number(day) * DAY_MS).toISOString().slice(0, 10);
    faults.push(`account ${account}: its sums of ${date} (${code}) are not what its transfers say`);
  }
}
