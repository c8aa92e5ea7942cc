/** What each part of the ledger does in a second, one part to a process: `parts.ts <part> <quick|full>`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Spool } from "../../src/gateway/spool.js";
import { drainSpool, spoolStart } from "../../src/jobs/drain.js";
import { newId } from "../../src/kernel/ids.js";
import { noLog } from "../../src/kernel/log.js";
import { nanoUsd, ZERO } from "../../src/kernel/money.js";
import { extraGrant, limitAccount, type Opening } from "../../src/ledger/account.js";
import { LeaseBook } from "../../src/ledger/lease-book.js";
import { type Profile, profileOf } from "../../src/ledger/profile.js";
import type { ReceiptDetails } from "../../src/ledger/receipt.js";
import type { LedgerStore as Ledger, Settlement } from "../../src/ledger/store.js";
import { ledgerStore } from "../../src/store/ledger.js";
import { openStore } from "../../src/store/open.js";
import { postgres } from "../../test/support/postgres.js";

/** A few of them make most of the requests. */
const PAYERS = 200;
/** Requests that are open at once. */
const UNDER_WAY = 300;
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

/** A user with one token, who has a favourite model; some have a budget, and some tell their requests apart. */
type Payer = {
  readonly user: string;
  readonly token: string;
  readonly model: number;
  readonly accounts: readonly string[];
  readonly tags: readonly string[];
};

const MODELS = [
  ["meta-llama/Llama-3.1-8B-Instruct", "groq"],
  ["meta-llama/Llama-3.3-70B-Instruct", "together"],
  ["Qwen/Qwen3-235B-A22B-Instruct-2507", "novita"],
  ["openai/gpt-oss-120b", "cerebras"],
  ["deepseek-ai/DeepSeek-V3.1", "fireworks-ai"],
  ["mistralai/Mistral-Small-3.2-24B-Instruct-2506", "groq"],
] as const;
/** Says itself what a request cost. */
const TELLS_COST = "novita";

async function payersOf(ledger: Ledger, node: string): Promise<Payer[]> {
  const payers: Payer[] = [];
  for (let i = 0; i < PAYERS; i++) {
    const [user, token] = [newId(), newId()];
    const accounts = [await leased(ledger, node, fundsOf(`user:${user}`))];
    if (i % 10 === 0) accounts.push(await leased(ledger, node, budgetOf(`token:${token}`)));
    const tags = i % 20 === 0 ? [`team=${i % 7}`] : [];
    payers.push({ user, token, model: i % MODELS.length, accounts, tags });
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
  const underWay: Settlement[] = [];
  for (let i = 0; i < rows + UNDER_WAY; i++) {
    if (i < rows) {
      const settlement = settlementOf(pick(payers, chance() * chance()));
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

/** Mostly the payer's favourite model; one in fifty fails, and is free. */
function settlementOf(payer: Payer): Settlement {
  const { accounts, tags } = payer;
  const isServed = chance() < 0.98;
  const [model, provider] = pick(MODELS, chance() < 0.9 ? payer.model / MODELS.length : chance());
  const inputTokens = isServed ? 50 + Math.floor(chance() * 4_000) : 0;
  const outputTokens = isServed ? 1 + Math.floor(chance() * 800) : 0;
  const cost = nanoUsd(BigInt(inputTokens * 180 + outputTokens * 590));
  const durationMs = 200 + Math.floor(chance() * 8_000);
  return {
    id: newId(),
    profile: profileFor(payer, model, provider),
    at: Date.now(),
    status: isServed ? 200 : 502,
    outcome: isServed ? "served" : "failed",
    usage: {
      inputTokens,
      cachedInputTokens: Math.floor(inputTokens / 3),
      cacheWriteTokens: 0,
      outputTokens,
      reasoningTokens: 0,
      estimated: false,
    },
    cost,
    counted: isServed && provider === TELLS_COST ? cost : undefined,
    debits: isServed ? accounts.map((account) => ({ account, amount: cost })) : [],
    overrun: ZERO,
    durationMs,
    firstByteMs: isServed ? 150 : undefined,
    attempts: 1,
    isStream: chance() < 0.5,
    tags,
    details: JSON.stringify(detailsOf(provider, isServed)),
  };
}

const detailsOf = (provider: string, isServed: boolean): ReceiptDetails => [
  "fastest",
  "",
  [`${provider}:${isServed ? 200 : 502}`],
  "3000000",
];

/** Made once, as the gateway does. */
const profiles = new Map<string, Profile>();

function profileFor({ user, token }: Payer, model: string, provider: string): Profile {
  const key = `${user} ${model}`;
  const there = profiles.get(key);
  if (there) return there;
  const profile = profileOf({
    userId: user,
    tokenId: token,
    payer: `user:${user}`,
    groupId: "",
    model,
    task: "conversational",
    provider,
    isOwnKey: false,
    price: ["input", "180000000", "output", "590000000"],
  });
  profiles.set(key, profile);
  return profile;
}

/** The item that stands at a part of a list, from 0 to 1. */
function pick<Item>(items: readonly Item[], part: number): Item {
  const item = items[Math.floor(part * items.length)];
  if (item === undefined) throw new Error("nothing to pick");
  return item;
}

let seed = 1;
/** From 0 to 1, the same in every run. */
function chance(): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
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
