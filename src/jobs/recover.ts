/** What a process left behind when it died: its spool is drained, its open requests closed, its leases given back. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import type { Clock } from "../kernel/clock.js";
import type { Log } from "../kernel/log.js";
import { ZERO } from "../kernel/money.js";
import { profileOf } from "../ledger/profile.js";
import { parseStarted, type Started } from "../ledger/spool-record.js";
import type { LedgerStore, Settlement } from "../ledger/store.js";
import { noUsage } from "../tasks/usage.js";
import {
  awaitedIn,
  drainSpool,
  isEnd,
  readSpool,
  type SpoolPage,
  settlementsIn,
  spoolStart,
} from "./drain.js";

/** Tells whether a process's folder is its own still; holding the lock means that it is gone. */
export type TryLock = (folder: string) => (() => void) | undefined;

type Parts = {
  readonly store: LedgerStore;
  readonly tryLock: TryLock;
  readonly clock: Clock;
  readonly log: Log;
};

/** Does so for every process whose spool is below `root` and that is gone; leaves the others alone. */
export async function recoverDead(root: string, parts: Parts): Promise<void> {
  for (const node of spoolsIn(root)) await recoverFolder(join(root, node), parts);
}

/** Why nothing was done: its process runs, another one was faster, or the store has never heard of it. */
export type NotRecovered = "in_use" | "gone" | "another_store";

/** Recovers what is in one process's folder, which is named for it, and removes the folder. */
export async function recoverFolder(
  folder: string,
  { store, tryLock, clock, log }: Parts,
): Promise<Recovered | NotRecovered> {
  const node = basename(folder);
  const unlock = tryLock(folder);
  if (!unlock) return "in_use";
  try {
    // Another process that starts may have been faster.
    if (!existsSync(folder)) return "gone";
    const recovered = await recoverOne(folder, node, store, clock.now());
    if (recovered === undefined) log("error", "spool_of_another_store", { node });
    else log("info", "recovered", { node, ...recovered });
    if (recovered && (await store.isDurable())) rmSync(folder, { recursive: true, force: true });
    return recovered ?? "another_store";
  } finally {
    unlock();
    rmSync(`${folder}.lock`, { force: true });
  }
}

/** The nodes that have a spool below a folder. */
export const spoolsIn = (root: string): string[] =>
  readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

export type Recovered = {
  /** Settlements that were not in the store yet. */
  readonly applied: number;
  /** Requests that had started and not ended. */
  readonly interrupted: number;
};

/**
 * Does for a process that is gone what it would have done. Undefined, and nothing is done, where the store has never
 * heard of it and it left settlements: they belong to another store.
 */
async function recoverOne(
  folder: string,
  node: string,
  store: LedgerStore,
  at: number,
): Promise<Recovered | undefined> {
  const position = await store.spoolPosition(node);
  if (!position && hasSettlements(folder)) return undefined;
  let applied = 0;
  const counting: Pick<LedgerStore, "applySettlements"> = {
    applySettlements: async (batch) => {
      const outcome = await store.applySettlements(batch);
      applied += outcome.applied;
      return outcome;
    },
  };
  const upTo = await drainSpool(counting, folder, node, position ?? spoolStart);
  const open = openRequests(folder).map(interruptedSettlement);
  const interrupted =
    open.length === 0
      ? 0
      : (await store.applySettlements({ node, settlements: open, upTo })).applied;
  await store.closeNode(node, at);
  return { applied, interrupted };
}

function hasSettlements(folder: string): boolean {
  for (const { settled } of pagesOf(folder)) if (settlementsIn(settled).length > 0) return true;
  return false;
}

/**
 * Requests with a beginning and no end, in what is left of the spool, by the provider that began to answer, where
 * that is known.
 */
function openRequests(folder: string): Started[] {
  const open = new Map<string, Started>();
  for (const page of pagesOf(folder)) {
    for (const line of page.started) {
      const started = parseStarted(line);
      if (started) open.set(started.id, started);
    }
    for (const { requestId, provider } of awaitedIn(page.awaited)) {
      const started = open.get(requestId);
      if (started) open.set(requestId, sentTo(provider, started));
    }
    for (const { id } of settlementsIn(page.settled)) open.delete(id);
  }
  return [...open.values()];
}

const sentTo = (provider: string, started: Started): Started => ({
  ...started,
  profile: profileOf({ ...started.profile, provider }),
});

/** All that is left of a spool, from its first segment on. */
function* pagesOf(folder: string): Iterable<SpoolPage> {
  const first = readdirSync(folder)
    .filter((name) => name.endsWith(".spool"))
    .sort()[0];
  let at = { segment: first === undefined ? 0 : Number.parseInt(first, 10), offset: 0 };
  for (;;) {
    const page = readSpool(folder, at, { withStarted: true });
    if (isEnd(at, page.upTo)) return;
    yield page;
    at = page.upTo;
  }
}

/** Nobody here knows what it cost, so it costs nothing, unless its provider says so later. */
const interruptedSettlement = (started: Started): Settlement => ({
  ...started,
  status: 502,
  outcome: "interrupted",
  usage: noUsage,
  cost: ZERO,
  counted: undefined,
  debits: [],
  overrun: ZERO,
  durationMs: 0,
  firstByteMs: undefined,
  attempts: 1,
  details: undefined,
});
