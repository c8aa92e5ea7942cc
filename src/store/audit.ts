import { type Kysely, sql } from "kysely";
import { ALLOWANCE, LOSS, OVERRUN } from "../ledger/account.js";
import type { AuditReport } from "../ledger/store.js";
import { checkPayments } from "./audit-payments.js";
import type { Database } from "./database.js";
import type { Schema } from "./schema.js";
import { beforeSlash } from "./transfers.js";

const PAGE = 20_000;
const FAULTS_SHOWN = 10;
/** Only these may owe: money and allowances come out of them without limit. */
const MAY_BE_NEGATIVE: ReadonlySet<string> = new Set(["outside", ALLOWANCE, LOSS, OVERRUN]);

/** Replays every transfer and compares what comes out with what the accounts and leases say. */
export async function auditLedger({ db, engine }: Database): Promise<AuditReport> {
  // One snapshot, so that what is written meanwhile cannot look like a fault.
  return db
    .transaction()
    .setIsolationLevel("repeatable read")
    .setAccessMode("read only")
    .execute(async (tx) => {
      const faults: string[] = [];
      const { balances, count } = await replay(tx, faults);
      const accounts = await checkAccounts(tx, balances, faults);
      await checkOpenings(tx, faults);
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

async function replay(db: Kysely<Schema>, faults: string[]) {
  const balances = new Map<string, bigint>();
  const add = (account: string, amount: bigint) =>
    balances.set(account, (balances.get(account) ?? 0n) + amount);
  let count = 0;
  let after = "";
  for (;;) {
    const page = await db
      .selectFrom("transfers")
      .select(["id", "debit", "credit", "amount"])
      .where("id", ">", after)
      .orderBy("id")
      .limit(PAGE)
      .execute();
    for (const { id, debit, credit, amount } of page) {
      if (amount <= 0n) faults.push(`transfer ${id}: the amount is ${amount}`);
      if (debit === credit) faults.push(`transfer ${id}: ${debit} pays itself`);
      add(debit, -amount);
      add(credit, amount);
    }
    count += page.length;
    const last = page.at(-1);
    if (!last) return { balances, count };
    after = last.id;
  }
}

async function checkAccounts(
  db: Kysely<Schema>,
  replayed: ReadonlyMap<string, bigint>,
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
    const moved = replayed.get(account.id) ?? 0n;
    const out = leased.get(account.id) ?? 0n;
    if (account.balance !== moved) {
      faults.push(`account ${account.id}: says ${account.balance}, its transfers say ${moved}`);
    }
    if (account.leased !== out) {
      faults.push(`account ${account.id}: ${account.leased} leased, its leases say ${out}`);
    }
    if (account.leased < 0n || account.leased > account.balance) {
      if (!MAY_BE_NEGATIVE.has(account.id)) {
        faults.push(`account ${account.id}: ${account.leased} leased of ${account.balance}`);
      }
    }
  }
  if (sum !== 0n) faults.push(`all balances sum to ${sum}, not 0`);
  const existing = new Set(accounts.map((account) => account.id));
  for (const id of replayed.keys()) {
    if (!existing.has(id)) faults.push(`account ${id} is missing`);
  }
  return accounts.length;
}

/** What was granted is what was transferred when the account was opened. */
async function checkOpenings(db: Kysely<Schema>, faults: string[]): Promise<void> {
  const wrong = await db
    .selectFrom("accounts")
    .leftJoin("transfers", (join) =>
      join.on("transfers.id", "=", sql<string>`'open:' || accounts.id`),
    )
    .select(["accounts.id", "granted", "amount"])
    .where("bucket", "is not", null)
    .where(sql<bigint>`coalesce(amount, -1)`, "!=", sql<bigint>`granted`)
    .limit(FAULTS_SHOWN)
    .execute();
  for (const { id, granted, amount } of wrong) {
    faults.push(`account ${id}: granted ${granted}, open:${id} says ${amount ?? "nothing"}`);
  }
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
