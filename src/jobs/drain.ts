/** Moves the spool into the store: of this process as it grows, and of processes that are gone. */
import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { DRAIN_BATCH } from "../kernel/limits.js";
import { isSettledLine, parseSettled } from "../ledger/spool-record.js";
import {
  type LedgerStore,
  type Settlement,
  type SpoolPosition,
  segmentFile,
} from "../ledger/store.js";

const READ_BYTES = 512 * 1024;
const LINE_FEED = 10;

export const spoolStart: SpoolPosition = { segment: 0, offset: 0 };

export type SpoolPage = {
  /** Without their line feeds. */
  readonly lines: readonly string[];
  readonly upTo: SpoolPosition;
};

/** The next lines after `from`, at most `settledMax` settlements among them; `upTo` equals `from` at the end. */
export function readSpool(
  folder: string,
  from: SpoolPosition,
  settledMax = DRAIN_BATCH,
): SpoolPage {
  const bytes = readBytes(join(folder, segmentFile(from.segment)), from.offset);
  const lines: string[] = [];
  let settled = 0;
  let done = 0;
  while (settled < settledMax) {
    const end = bytes.indexOf(LINE_FEED, done);
    if (end < 0) break;
    const line = bytes.toString("utf8", done, end);
    if (isSettledLine(line)) settled++;
    lines.push(line);
    done = end + 1;
  }
  // A segment has ended once the next one exists; what is left of a line then stays a torn line.
  const isAtEnd = done === 0 && exists(join(folder, segmentFile(from.segment + 1)));
  const upTo = isAtEnd
    ? { segment: from.segment + 1, offset: 0 }
    : { segment: from.segment, offset: from.offset + done };
  return { lines, upTo };
}

/** The settlements among some lines; a line that a crash cut short is none. */
export const settlementsIn = (lines: readonly string[]): Settlement[] =>
  lines.flatMap((line) => (isSettledLine(line) ? (parseSettled(line) ?? []) : []));

function readBytes(path: string, offset: number): Buffer {
  if (!exists(path)) return Buffer.alloc(0);
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    return buffer.subarray(0, readSync(file, buffer, 0, READ_BYTES, offset));
  } finally {
    closeSync(file);
  }
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

/** Whether nothing stands after a position. */
export const isEnd = (from: SpoolPosition, to: SpoolPosition): boolean =>
  from.segment === to.segment && from.offset === to.offset;

/** Applies everything written so far; returns the position reached. Throws when the store does not answer. */
export async function drainSpool(
  store: Pick<LedgerStore, "applySettlements">,
  folder: string,
  node: string,
  from: SpoolPosition,
): Promise<SpoolPosition> {
  let at = from;
  for (;;) {
    const page = readSpool(folder, at);
    if (isEnd(at, page.upTo)) return at;
    const settlements = settlementsIn(page.lines);
    if (settlements.length > 0) {
      await store.applySettlements({ node, settlements, upTo: page.upTo });
    }
    at = page.upTo;
    // SQLite works on this thread: requests get their turn between two batches.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The files of segments that are drained and in which nothing under way has started. */
export const segmentsBefore = (folder: string, segment: number): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".spool") && name < segmentFile(segment))
    .map((name) => join(folder, name));
