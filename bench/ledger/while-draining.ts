/**
 * What callers notice of a drain at full speed: the same load in short windows by turns, with nothing to drain and
 * with more in the spool than can be drained meanwhile. The process has all cores, and its drain a thread of its own.
 */
import { appendFileSync, closeSync, fsyncSync, openSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { newId } from "../../src/kernel/ids.js";
import { printSettled } from "../../src/ledger/spool-record.js";
import type { LedgerStore } from "../../src/ledger/store.js";
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
const slackMs = 30_000;
const allCores: Pins = {
  ...{ proxy: undefined, upstream: undefined, generator: undefined },
  text: "not pinned",
};

export type WhileDraining = {
  readonly connections: number;
  readonly resting: Load;
  readonly draining: Load;
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
    try {
      await load(session, 1, isQuick ? 500 : 5_000);
      for (const connections of [1, 8]) {
        measured.push(await byTurns(session, backlog, { connections, windows, durationMs }));
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
): Promise<WhileDraining> {
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
  return { connections, resting: medians(kinds.resting), draining: medians(kinds.draining) };
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
  /** Puts more settlements into the running process's spool than it can drain in a window. */
  readonly add: () => void;
  readonly grow: () => void;
  readonly isDrained: () => Promise<boolean>;
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
  const isDrained = async () => {
    const file = newestIn(folder);
    const position = await ledger.spoolPosition(node);
    return (
      position?.segment === Number.parseInt(file, 10) &&
      position.offset === statSync(join(folder, file)).size
    );
  };
  return {
    add: () => append(join(folder, newestIn(folder)), payers, count),
    grow: () => {
      count *= 2;
    },
    isDrained,
    drained: () => until("the backlog was not drained", drainedMsMax, isDrained),
    close: () => database.close(),
  };
}

const newestIn = (folder: string): string =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".spool"))
    .sort()
    .at(-1) ?? "";

/** On the disk at once: it is not the process's own syncing that is looked at. */
function append(path: string, payers: readonly Payer[], count: number): void {
  const lines = Array.from({ length: count }, () => printSettled(settlementOf(payers)));
  appendFileSync(path, lines.join(""));
  const file = openSync(path, "r");
  fsyncSync(file);
  closeSync(file);
}
