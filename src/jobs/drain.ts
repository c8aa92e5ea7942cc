/** Moves the spool into the store: of this process as it grows, and of processes that are gone. */
import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { DRAIN_BATCH, SPOOL_SEGMENT_BYTES } from "../kernel/limits.js";
import type { AwaitedCost } from "../ledger/late-cost.js";
import {
  isAwaitedLine,
  isSettledLine,
  parseAwaited,
  parseSettled,
} from "../ledger/spool-record.js";
import {
  type LedgerStore,
  type Settlement,
  type SpoolPosition,
  segmentFile,
} from "../ledger/store.js";

const READ_BYTES = 8 * 1024 * 1024;
const LINE_FEED = 10;

export const spoolStart: SpoolPosition = { segment: 0, offset: 0 };

export type SpoolPage = {
  /** Without their line feeds. */
  readonly started: readonly Buffer[];
  readonly settled: readonly Buffer[];
  /** Of requests whose provider tells their cost later. */
  readonly awaited: readonly Buffer[];
  readonly upTo: SpoolPosition;
};

type Kinds = {
  /** Whether the lines of requests that started are of interest; a drain passes over them. */
  readonly withStarted: boolean;
};

/** The next lines after `from`, at most a batch of settlements among them; `upTo` equals `from` at the end. */
export function readSpool(
  folder: string,
  from: SpoolPosition,
  { withStarted }: Kinds = { withStarted: false },
): SpoolPage {
  // Asked before reading: once there is a next segment, nothing is added to this one.
  const hasNext = exists(join(folder, segmentFile(from.segment + 1)));
  const bytes = readBytes(join(folder, segmentFile(from.segment)), from.offset);
  const started: Buffer[] = [];
  const settled: Buffer[] = [];
  const awaited: Buffer[] = [];
  let done = 0;
  while (settled.length < DRAIN_BATCH) {
    const end = bytes.indexOf(LINE_FEED, done);
    if (end < 0) break;
    const isAwaited = isAwaitedLine(bytes, done);
    const lines = isSettledLine(bytes, done) ? settled : isAwaited ? awaited : started;
    if (withStarted || lines !== started) lines.push(bytes.subarray(done, end));
    done = end + 1;
  }
  // What is left of a line at the end of a segment stays a torn line.
  const upTo =
    done === 0 && hasNext
      ? { segment: from.segment + 1, offset: 0 }
      : { segment: from.segment, offset: from.offset + done };
  return { started, settled, awaited, upTo };
}

/** The settlements that some lines hold; a line that a crash cut short holds none. */
export function settlementsIn(lines: readonly Buffer[]): Settlement[] {
  const settlements: Settlement[] = [];
  for (const line of lines) {
    const settlement = parseSettled(line);
    if (settlement) settlements.push(settlement);
  }
  return settlements;
}

/** The notes among some lines of requests whose cost is told later. */
export const awaitedIn = (lines: readonly Buffer[]): AwaitedCost[] =>
  lines.flatMap((line) => parseAwaited(line) ?? []);

/** No more room than there is to read: memory beside the heap counts when the collector decides how soon it runs. */
function readBytes(path: string, offset: number): Buffer {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const length = Math.min(READ_BYTES, size - offset);
  if (length <= 0) return NO_BYTES;
  const bytes = Buffer.allocUnsafeSlow(length);
  const file = openSync(path, "r");
  try {
    return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
  } finally {
    closeSync(file);
  }
}

const NO_BYTES = Buffer.alloc(0);

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

/** Whether nothing stands after a position. */
export const isEnd = (from: SpoolPosition, to: SpoolPosition): boolean =>
  from.segment === to.segment && from.offset === to.offset;

type Target = Pick<LedgerStore, "applySettlements">;

/** Applies everything written so far; returns the position reached. Throws when the store does not answer. */
export async function drainSpool(
  store: Target,
  folder: string,
  node: string,
  from: SpoolPosition,
): Promise<SpoolPosition> {
  for (let at = from; ; ) {
    const upTo = await drainBatch(store, folder, node, at);
    if (isEnd(at, upTo)) return at;
    at = upTo;
    // SQLite works on this thread: others get their turn between two batches.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Applies one batch; returns the position reached, `from` where nothing is there. Throws as `drainSpool` does. */
export async function drainBatch(
  store: Target,
  folder: string,
  node: string,
  from: SpoolPosition,
): Promise<SpoolPosition> {
  const page = readSpool(folder, from);
  const settlements = settlementsIn(page.settled);
  const awaited = awaitedIn(page.awaited);
  if (settlements.length > 0 || awaited.length > 0) {
    await store.applySettlements({ node, settlements, awaited, upTo: page.upTo });
  }
  return page.upTo;
}

/** Where a spool ends at this moment. */
export function spoolEnd(folder: string): SpoolPosition {
  const last = readdirSync(folder).filter(isSegment).sort().at(-1);
  if (last === undefined) return spoolStart;
  return { segment: Number.parseInt(last, 10), offset: statSync(join(folder, last)).size };
}

/** About, as segments in between are taken to be just full; 0 only where `to` is not after `from`. */
export function bytesBetween(from: SpoolPosition, to: SpoolPosition): number {
  const segments = to.segment - from.segment;
  const bytes = segments * SPOOL_SEGMENT_BYTES + to.offset - from.offset;
  return Math.max(segments > 0 ? 1 : 0, bytes);
}

/** The files of segments that are drained and in which nothing under way has started. */
export const segmentsBefore = (folder: string, segment: number): string[] =>
  readdirSync(folder)
    .filter((name) => isSegment(name) && name < segmentFile(segment))
    .map((name) => join(folder, name));

const isSegment = (name: string): boolean => name.endsWith(".spool");
