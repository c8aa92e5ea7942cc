/** What each part of the ledger does in a second, one part to a process: `parts.ts <part> <quick|full>`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Spool } from "../../src/gateway/money/spool.js";
import { drainSpool, spoolStart } from "../../src/jobs/drain.js";
import { newId } from "../../src/kernel/ids.js";
import { noLog } from "../../src/kernel/log.js";
import { nanoUsd, ZERO } from "../../src/kernel/money.js";
import { extraGrant, limitAccount, type Opening } from "../../src/ledger/account.js";
import { LeaseBook } from "../../src/ledger/lease-book.js";
import type { Ended } from "../../src/ledger/spool-record.js";
import type { LedgerStore as Ledger } from "../../src/ledger/store.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { openStore } from "../../src/store/open.js";
import { postgres } from "../../test/support/postgres.js";
import { chance, newPayer, type Payer, settlementOf } from "./settlements.js";

/** A few of them make most of the requests. */
const PAYERS = 200;
/** Requests that are open at once. */
const UNDER_WAY = 300;
const BALANCE = nanoUsd(10n ** 15n);
const COST = nanoUsd(90_600n);

/** Requests that settle in one turn of the event loop, and so share a write. */
const TURN = 64;

type Part = (isQuick: boolean) => Promise<number>;

const PARTS = {
  /** Hold and settle on a payer's funds and a token's budget, in memory: pairs a second. */
  holds: async (isQuick) => {
    const book = new LeaseBook();
    const buckets = Array.from({ length: PAYERS }, (_, i) => [`user:${i}`, `token:${i}`]);
    for (const id of buckets.flat()) {
      const sums = { taken: BALANCE, returned: ZERO, settled: ZERO };
      const slices = [{ account: `grant:${id}`, expiresAt: undefined, ...sums, isOver: false }];
      book.add(id, { slices, unleased: ZERO, othersHold: false }, 0);
    }
    const pair = (i: number): void => {
      const answer = book.hold(buckets[i % PAYERS] ?? [], COST, i, i + 1_000);
      if (!answer.ok) throw new Error(`pair ${i} was refused`);
      book.settle(answer.hold, nanoUsd(COST - 1n), i);
    };
    const pairs = isQuick ? 100_000 : 3_000_000;
    for (let i = 0; i < pairs / 10; i++) pair(i);
    return perSecond(pairs, async () => {
      for (let i = 0; i < pairs; i++) pair(i);
    });
  },
  /** Settlements drained from a spool into SQLite: rows of requests a second. */
  sqlite: (isQuick) => drained(isQuick ? 5_000 : 200_000, undefined),
  /** The same into Postgres, on this machine, without waiting for its disk. */
  postgres: async (isQuick) =>
    drained(isQuick ? 5_000 : 200_000, await (await postgres()).freshDatabase()),
  /** Seconds for the audit of 1,000,000 transfers in SQLite. */
  audit: async (isQuick) => {
    let seconds = 0;
    await drained(isQuick ? 5_000 : 800_000, undefined, async (ledger) => {
      const began = performance.now();
      const report = await ledger.audit();
      if (!report.balanced) throw new Error(`not balanced: ${report.faults.join("; ")}`);
      seconds = (performance.now() - began) / 1_000;
    });
    return seconds;
  },
} satisfies Record<string, Part>;

export type PartName = keyof typeof PARTS;

async function drained(
  rows: number,
  postgresUrl: string | undefined,
  afterwards: (ledger: Ledger) => Promise<void> = async () => {},
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "turnpike-bench-"));
  const database = await openStore(postgresUrl ?? join(folder, "ledger.sqlite"));
  const ledger = ledgerStore(database);
  const node = newId();
  await ledger.openNode(node, Date.now());
  const payers = await payersOf(ledger, node);
  const spooled = async (name: string, count: number): Promise<string> => {
    const spoolFolder = join(folder, name);
    await fillSpool(spoolFolder, count, payers);
    return spoolFolder;
  };
  // A thread that drains has done so for a while, and what it runs is compiled.
  await drainSpool(ledger, await spooled("before", rows / 4), node, spoolStart);
  const spoolFolder = await spooled("spool", rows);
  const cpu = process.cpuUsage();
  const rate = await perSecond(rows, () => drainSpool(ledger, spoolFolder, node, spoolStart));
  const used = process.cpuUsage(cpu);
  // On a machine that is shared this says more than the rate. The server of Postgres is not in it.
  const usPerRow = (used.user + used.system) / rows;
  console.error(`own processor time: ${usPerRow.toFixed(1)} µs a row`);
  await afterwards(ledger);
  await database.close();
  rmSync(folder, { recursive: true });
  return rate;
}

async function payersOf(ledger: Ledger, node: string): Promise<Payer[]> {
  const payers: Payer[] = [];
  for (let i = 0; i < PAYERS; i++) {
    const [user, token] = [newId(), newId()];
    const accounts = [await leased(ledger, node, fundsOf(`user:${user}`))];
    if (i % 10 === 0) accounts.push(await leased(ledger, node, budgetOf(`token:${token}`)));
    payers.push(newPayer(i, { user, token, accounts, isOwnKey: false }));
  }
  return payers;
}

const fundsOf = (bucket: string): Opening =>
  extraGrant(bucket, {
    id: newId(),
    kind: "purchased",
    amount: BALANCE,
    at: Date.now(),
    expiresAt: undefined,
  });

const budgetOf = (bucket: string): Opening =>
  limitAccount(bucket, { amount: BALANCE, period: "month" }, Date.now());

/** Opens an account and leases all of it; returns its id. */
async function leased(ledger: Ledger, node: string, opening: Opening): Promise<string> {
  await ledger.grant(opening);
  const wish = { need: BALANCE, isAll: true, isSparing: true };
  await ledger.takeLease({ node, bucketId: opening.bucket, ...wish, now: Date.now() });
  return opening.id;
}

/** What the gateway would have written: requests end in another order than they began in. */
async function fillSpool(folder: string, rows: number, payers: readonly Payer[]): Promise<void> {
  const spool = new Spool(folder, "relaxed", noLog);
  const underWay: Ended[] = [];
  for (let i = 0; i < rows + UNDER_WAY; i++) {
    if (i < rows) {
      const settlement = settlementOf(payers);
      spool.started(settlement);
      underWay.push(settlement);
    }
    if (i < UNDER_WAY) continue;
    const [ended] = underWay.splice(Math.floor(chance() * underWay.length), 1);
    if (!ended) throw new Error("nothing is under way");
    const written = spool.settled(ended);
    if (i % TURN === TURN - 1 || underWay.length === 0) await written;
  }
  await spool.close();
}

async function perSecond(count: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return count / ((performance.now() - began) / 1_000);
}

if (import.meta.main) {
  const [name, pace] = process.argv.slice(2);
  const part = PARTS[name as PartName];
  if (!part) throw new Error(`one of ${Object.keys(PARTS).join(", ")}`);
  process.stdout.write(`${await part(pace === "quick")}\n`);
  process.exit(0);
}
