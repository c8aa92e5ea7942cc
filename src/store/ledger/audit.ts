/** The whole ledger looked at from its transfers up: what `turnpike audit` and `/api/turnpike/admin/audit` say. */
import { type Kysely, type Selectable, sql } from "kysely";
import { DAY_MS } from "../../kernel/clock.js";
import { printDay } from "../../kernel/print-time.js";
import type { AuditReport } from "../../ledger/store.js";
import type { Database } from "../database.js";
import { checkPayments } from "../payments/audit-payments.js";
import type { Schema } from "../schema.js";
import { checkRequests } from "./audit-requests.js";

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
  const leased = await leasedOf(db);
  for (const account of accounts) {
    faults.push(...faultsOf(account, replayed, leased.get(account.id) ?? 0n));
  }
  const sum = accounts.reduce((total, { balance }) => total + balance, 0n);
  if (sum !== 0n) faults.push(`all balances sum to ${sum}, not 0`);
  const existing = new Set(accounts.map((account) => account.id));
  for (const id of replayed.balances.keys()) {
    if (!existing.has(id)) faults.push(`account ${id} is missing`);
  }
  return accounts.length;
}

/** By account, what is out on leases. */
async function leasedOf(db: Kysely<Schema>): Promise<Sums> {
  const leases = await db
    .selectFrom("leases")
    .select(["account", sql<bigint>`cast(sum(taken - returned - settled) as bigint)`.as("out")])
    .groupBy("account")
    .execute();
  return new Map(leases.map((lease) => [lease.account, lease.out]));
}

function* faultsOf(
  { id, balance, granted, leased }: Selectable<Schema["accounts"]>,
  replayed: Replayed,
  out: bigint,
): Iterable<string> {
  const moved = replayed.balances.get(id) ?? 0n;
  if (balance !== moved) yield `account ${id}: says ${balance}, its transfers say ${moved}`;
  const put = replayed.granted.get(id) ?? 0n;
  if (granted !== put) yield `account ${id}: granted ${granted}, its transfers say ${put}`;
  if (leased !== out) yield `account ${id}: ${leased} leased, its leases say ${out}`;
  if ((leased < 0n || leased > balance) && !MAY_BE_NEGATIVE.test(id)) {
    yield `account ${id}: ${leased} leased of ${balance}`;
  }
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
    const date = printDay(Number(day) * DAY_MS);
    faults.push(`account ${account}: its sums of ${date} (${code}) are not what its transfers say`);
  }
}
