/** What a process left behind when it died: its spool is drained, its open requests closed, its leases given back. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../kernel/log.js";
import { ZERO } from "../kernel/money.js";
import { parseStarted, type Started } from "../ledger/spool-record.js";
import type { LedgerStore, Settlement } from "../ledger/store.js";
import { noUsage } from "../tasks/usage.js";
import { awaitedIn, drainSpool, isEnd, readSpool, settlementsIn, spoolStart } from "./drain.js";

/** Tells whether a process's folder is its own still; holding the lock means that it is gone. */
export type TryLock = (folder: string) => (() => void) | undefined;

export async function recoverDead(
  root: string,
  store: LedgerStore,
  tryLock: TryLock,
  log: Log,
): Promise<void> {
  const entries = readdirSync(root, { withFileTypes: true });
  for (const { name: node } of entries.filter((entry) => entry.isDirectory())) {
    const folder = join(root, node);
    const unlock = tryLock(folder);
    if (!unlock) continue;
    try {
      // Another process that starts may have been faster.
      if (!existsSync(folder)) continue;
      const interrupted = await recoverOne(folder, node, store);
      log("info", "recovered", { node, interrupted });
      rmSync(folder, { recursive: true, force: true });
    } finally {
      unlock();
      rmSync(`${folder}.lock`, { force: true });
    }
  }
}

async function recoverOne(folder: string, node: string, store: LedgerStore): Promise<number> {
  const position = (await store.spoolPosition(node)) ?? spoolStart;
  const reached = await drainSpool(store, folder, node, position);
  const interrupted = openRequests(folder).map(interruptedSettlement);
  if (interrupted.length > 0) {
    await store.applySettlements({ node, settlements: interrupted, upTo: reached });
  }
  await store.closeNode(node);
  return interrupted.length;
}

/**
 * Requests with a beginning and no end, in what is left of the spool, by the provider that began to answer, where
 * that is known.
 */
function openRequests(folder: string): Started[] {
  const open = new Map<string, Started>();
  const first = readdirSync(folder)
    .filter((name) => name.endsWith(".spool"))
    .sort()[0];
  let at = { segment: first === undefined ? 0 : Number.parseInt(first, 10), offset: 0 };
  for (;;) {
    const page = readSpool(folder, at, { withStarted: true });
    if (isEnd(at, page.upTo)) return [...open.values()];
    for (const line of page.started) {
      const started = parseStarted(line);
      if (started) open.set(started.id, started);
    }
    for (const { requestId, provider } of awaitedIn(page.awaited)) {
      const started = open.get(requestId);
      if (started) open.set(requestId, { ...started, provider });
    }
    for (const { id } of settlementsIn(page.settled)) open.delete(id);
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
});
