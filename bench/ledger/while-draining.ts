/**
 * What callers notice of a drain: the same load in short windows by turns, with nothing to drain and with more in the
 * spool than can be drained meanwhile. The process has all cores, and its drain a thread of its own. As a drain that
 * stood still would not be noticed at all, the load then goes on until a backlog is gone.
 */
import { appendFileSync, closeSync, fsyncSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { bytesBetween, spoolEnd } from "../../src/jobs/drain.js";
import { newId } from "../../src/kernel/ids.js";
import { LineBuffer } from "../../src/ledger/line-buffer.js";
import { printSettled } from "../../src/ledger/spool-print.js";
import { type LedgerStore, type SpoolPosition, segmentFile } from "../../src/ledger/store.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { openStore } from "../../src/store/open.js";
import type { ClosedLoopResult } from "../load/spec.js";
import type { Pins } from "../machine.js";
import { inFreshProcesses, type Session, sendLoad } from "../measure/session.js";
import { median } from "../measure/statistics.js";
import { turnpike } from "../variants/turnpike.js";
import { until } from "../waiting.js";
import { newPayer, type Payer, settlementOf } from "./settlements.js";

const PAYERS = 200;
const drainedMsMax = 60_000;
const goneMsMax = 120_000;
const goneWindowMs = 2_000;
const slackMs = 30_000;
const allCores: Pins = {
  ...{ proxy: undefined, upstream: undefined, generator: undefined },
  text: "not pinned",
};

export type WhileDraining = {
  readonly connections: number;
  readonly resting: Load;
  readonly draining: Load;
  /** How long a backlog lasted while the load went on; undefined: longer than was waited. */
  readonly goneAfterSeconds: number | undefined;
};

type Load = {
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
};

/** Medians over `windows` windows of each kind, at one connection and at a moderate load. */
export async function measureWhileDraining(
  windows: number,
  isQuick: boolean,
): Promise<readonly WhileDraining[]> {
  let folder = "";
  const started: typeof turnpike.start = async (context) => {
    folder = context.folder;
    // An audit of all that was put into its spool would take longer than the measuring.
    return { ...(await turnpike.start(context)), check: async () => undefined };
  };
  const how = { variant: { ...turnpike, start: started }, pins: allCores };
  const { value } = await inFreshProcesses(how, async (session) => {
    const backlog = await openBacklog(join(folder, "data"));
    const durationMs = isQuick ? 500 : 1_000;
    const measured: WhileDraining[] = [];
    const byConnections: Pick<WhileDraining, "connections" | "resting" | "draining">[] = [];
    try {
      await load(session, 1, isQuick ? 500 : 5_000);
      for (const connections of [1, 8]) {
        const loads = await byTurns(session, backlog, { connections, windows, durationMs });
        byConnections.push({ connections, ...loads });
      }
      // Afterwards, as a drain that had to hurry goes on so for a while.
      for (const loads of byConnections) {
        const goneAfterSeconds = await goneAfter(session, backlog, loads.connections);
        measured.push({ ...loads, goneAfterSeconds });
      }
      await backlog.drained();
    } finally {
      await backlog.close();
    }
    return measured;
  });
  return value;
}

async function byTurns(
  session: Session,
  backlog: Backlog,
  how: { readonly connections: number; readonly windows: number; readonly durationMs: number },
): Promise<Pick<WhileDraining, "resting" | "draining">> {
  const { connections, windows, durationMs } = how;
  const kinds = { resting: [] as Load[], draining: [] as Load[] };
  while (kinds.draining.length < windows) {
    await backlog.drained();
    kinds.resting.push(await load(session, connections, durationMs));
    backlog.add();
    const draining = await load(session, connections, durationMs);
    // A window that outlasted the backlog is not counted; the next has more of it.
    if (await backlog.isDrained()) backlog.grow();
    else kinds.draining.push(draining);
  }
  return { resting: medians(kinds.resting), draining: medians(kinds.draining) };
}

/** In seconds, with the moments between two windows. */
async function goneAfter(
  session: Session,
  backlog: Backlog,
  connections: number,
): Promise<number | undefined> {
  await backlog.drained();
  const end = backlog.add();
  const began = performance.now();
  while (performance.now() - began < goneMsMax) {
    await load(session, connections, goneWindowMs);
    if (await backlog.isDrainedTo(end)) return (performance.now() - began) / 1_000;
  }
  return undefined;
}

async function load(session: Session, connections: number, durationMs: number): Promise<Load> {
  const spec = { target: session.proxy.target, bodyBytes: session.bodyBytes, connections };
  const warmupMs = 200;
  const { result } = await sendLoad<ClosedLoopResult>(session, {
    spec: { mode: "closed-loop", ...spec, warmupMs, durationMs },
    limitMs: durationMs + slackMs,
  });
  const { p50, p99 } = result.latencyUs;
  return { requestsPerSecond: result.requestsPerSecond, p50Us: p50, p99Us: p99 };
}

const medians = (loads: readonly Load[]): Load => ({
  requestsPerSecond: median(loads.map((each) => each.requestsPerSecond)),
  p50Us: median(loads.map((each) => each.p50Us)),
  p99Us: median(loads.map((each) => each.p99Us)),
});

type Backlog = {
  /** Puts more settlements into the running process's spool than it can drain in a window; returns where they end. */
  readonly add: () => SpoolPosition;
  readonly grow: () => void;
  readonly isDrained: () => Promise<boolean>;
  readonly isDrainedTo: (end: SpoolPosition) => Promise<boolean>;
  readonly drained: () => Promise<void>;
  readonly close: () => Promise<void>;
};

/** The spool is a file that is read from where it was drained to: what others append to it is drained as well. */
async function openBacklog(dataFolder: string): Promise<Backlog> {
  const [node = ""] = readdirSync(join(dataFolder, "spool"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  const folder = join(dataFolder, "spool", node);
  const database = await openStore(join(dataFolder, "turnpike.sqlite"));
  const ledger: LedgerStore = ledgerStore(database);
  // With keys of their own: they move no money, so that the books still balance.
  const payers = Array.from({ length: PAYERS }, (_, i): Payer => {
    return newPayer(i, { user: newId(), token: newId(), accounts: [], isOwnKey: true });
  });
  let count = 100_000;
  const isDrainedTo = async (end: SpoolPosition) => {
    const position = await ledger.spoolPosition(node);
    return position !== undefined && bytesBetween(position, end) === 0;
  };
  const isDrained = () => isDrainedTo(spoolEnd(folder));
  return {
    add: () => {
      const { segment } = spoolEnd(folder);
      append(join(folder, segmentFile(segment)), payers, count);
      return spoolEnd(folder);
    },
    grow: () => {
      count *= 2;
    },
    isDrained,
    isDrainedTo,
    drained: () => until("the backlog was not drained", drainedMsMax, isDrained),
    close: () => database.close(),
  };
}

/** On the disk at once: it is not the process's own syncing that is looked at. */
function append(path: string, payers: readonly Payer[], count: number): void {
  const lines = new LineBuffer();
  for (let i = 0; i < count; i++) printSettled(lines, settlementOf(payers));
  appendFileSync(path, lines.content());
  const file = openSync(path, "r");
  fsyncSync(file);
  closeSync(file);
}
