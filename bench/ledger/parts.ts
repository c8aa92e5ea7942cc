/** What each part of the ledger does in a second, one part to a process: `parts.ts <part> <quick|full>`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Spool } from "../../src/gateway/spool.js";
import { drainSpool, spoolStart } from "../../src/jobs/drain.js";
import { newId } from "../../src/kernel/ids.js";
import { noLog } from "../../src/kernel/log.js";
import { nanoUsd, ZERO } from "../../src/kernel/money.js";
import { extraGrant } from "../../src/ledger/account.js";
import { LeaseBook } from "../../src/ledger/lease-book.js";
import type { Settlement } from "../../src/ledger/store.js";
import { ledgerStore } from "../../src/store/ledger.js";
import { openStore } from "../../src/store/open.js";
import { postgres } from "../../test/support/postgres.js";

const PAYERS = 200;
const BALANCE = nanoUsd(10n ** 15n);
const COST = nanoUsd(90_600n);

/** Requests that settle in one turn of the event loop, and so share a write. */
const TURN = 64;

type Part = (isQuick: boolean) => Promise<number>;

export const PARTS = {
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
    await drained(isQuick ? 5_000 : 1_000_000, undefined, async (ledger) => {
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
  afterwards: (ledger: ReturnType<typeof ledgerStore>) => Promise<void> = async () => {},
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "turnpike-bench-"));
  const database = await openStore(postgresUrl ?? join(folder, "ledger.sqlite"));
  const ledger = ledgerStore(database);
  const node = newId();
  await ledger.openNode(node, Date.now());
  const spoolFolder = join(folder, "spool");
  await fillSpool(spoolFolder, node, rows, await payersOf(ledger, node));
  const rate = await perSecond(rows, () => drainSpool(ledger, spoolFolder, node, spoolStart));
  await afterwards(ledger);
  await database.close();
  rmSync(folder, { recursive: true });
  return rate;
}

type Payer = { readonly user: string; readonly token: string; readonly grant: string };

async function payersOf(ledger: ReturnType<typeof ledgerStore>, node: string): Promise<Payer[]> {
  const payers: Payer[] = [];
  for (let i = 0; i < PAYERS; i++) {
    const [user, at] = [newId(), Date.now()];
    const bucket = `user:${user}`;
    const grant = { id: newId(), kind: "purchased", amount: BALANCE, at, expiresAt: undefined };
    const opening = extraGrant(bucket, grant as Parameters<typeof extraGrant>[1]);
    await ledger.grant(opening);
    const wish = { need: BALANCE, isAll: true, isSparing: true };
    await ledger.takeLease({ node, bucketId: bucket, ...wish, now: at });
    payers.push({ user, token: newId(), grant: opening.id });
  }
  return payers;
}

/** What the gateway would have written. */
async function fillSpool(
  folder: string,
  node: string,
  rows: number,
  payers: readonly Payer[],
): Promise<void> {
  const spool = new Spool(folder, "relaxed", noLog);
  for (let i = 0; i < rows; i++) {
    const payer = payers[(i * 7) % payers.length];
    if (!payer) throw new Error("no payers");
    const settlement = settlementOf(node, payer, i);
    spool.started(settlement);
    const written = spool.settled(settlement);
    if (i % TURN === TURN - 1 || i === rows - 1) await written;
  }
  await spool.close();
}

const settlementOf = (node: string, { user, token, grant }: Payer, i: number): Settlement => ({
  id: newId(),
  node,
  at: Date.now(),
  userId: user,
  tokenId: token,
  payer: `user:${user}`,
  groupId: "",
  model: "meta-llama/Llama-3.1-8B-Instruct",
  task: "conversational",
  provider: i % 3 === 0 ? "together" : "groq",
  status: 200,
  outcome: "served",
  isOwnKey: false,
  usage: {
    inputTokens: 212,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 98,
    reasoningTokens: 0,
    estimated: false,
  },
  cost: COST,
  counted: undefined,
  debits: [{ account: grant, amount: COST }],
  overrun: ZERO,
  durationMs: 812,
  firstByteMs: 210,
  attempts: 1,
  isStream: i % 2 === 0,
  tags: [],
  details: ["fastest", "", ["groq:200"], "300000", ["input", "180000000", "output", "180000000"]],
});

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
