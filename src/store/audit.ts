import { type Kysely, sql } from "kysely";
import type { AuditReport } from "../ledger/store.js";
import { checkPayments } from "./audit-payments.js";
import type { Database } from "./database.js";
import type { Schema } from "./schema.js";
import { beforeSlash } from "./transfers.js";

const PAGE = 20_000;
const FAULTS_SHOWN = 10;
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
      const { count, ...replayed } = await replay(tx, faults);
      const accounts = await checkAccounts(tx, replayed, faults);
      await checkRequests(tx, engine, faults);
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

async function replay(
  db: Kysely<Schema>,
  faults: string[],
): Promise<Replayed & { readonly count: number }> {
  const balances: Sums = new Map();
  const granted: Sums = new Map();
  let count = 0;
  let after = "";
  for (;;) {
    const page = await db
      .selectFrom("transfers")
      .select(["id", "debit", "credit", "amount", "code"])
      .where("id", ">", after)
      .orderBy("id")
      .limit(PAGE)
      .execute();
    for (const { id, debit, credit, amount, code } of page) {
      if (amount <= 0n) faults.push(`transfer ${id}: the amount is ${amount}`);
      if (debit === credit) faults.push(`transfer ${id}: ${debit} pays itself`);
      add(balances, debit, -amount);
      add(balances, credit, amount);
      if (PUTS_IN.has(code)) add(granted, credit, amount);
      else if (TAKES_OUT.has(code)) add(granted, debit, -amount);
    }
    count += page.length;
    const last = page.at(-1);
    if (!last) return { balances, granted, count };
    after = last.id;
  }
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

/** Every request's money side moved exactly its cost, and an own-key request moved nothing. */
async function checkRequests(
  db: Kysely<Schema>,
  engine: Database["engine"],
  faults: string[],
): Promise<void> {
  // A settlement's transfers are named for its request: `<request>/0`, `<request>/overrun`.
  const request = beforeSlash[engine];
  const { rows } = await sql<{ id: string; cost: bigint | null; owed: bigint }>`
    select request as id, cast(sum(cost) as bigint) as cost, cast(sum(owed) as bigint) as owed
    from (
      select id as request, case when own_key = 0 then cost else 0 end as cost, 0 as owed
      from requests
      union all
      select ${request}, null, amount from transfers where credit like 'provider:%'
      union all
      select ${request}, null, -amount from transfers where debit like 'provider:%'
    ) as sides
    group by request
    having sum(cost) is null or sum(cost) <> sum(owed)
    limit ${sql.lit(FAULTS_SHOWN)}`.execute(db);
  for (const { id, cost, owed } of rows) {
    const says = cost === null ? "is missing" : `cost ${cost}`;
    faults.push(`request ${id}: ${says}, its provider was credited ${owed}`);
  }
}
