import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SPOOL_SEGMENT_BYTES } from "../kernel/limits.js";
import { segmentFile } from "../ledger/store.js";
import { bytesBetween, readSpool, spoolEnd, spoolStart } from "./drain.js";

function spoolOf(...segments: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "turnpike-test-"));
  for (const [i, text] of segments.entries()) writeFileSync(join(folder, segmentFile(i)), text);
  return folder;
}

test("what is left of a spool is never called nothing while lines stand in a later segment", () => {
  const full = SPOOL_SEGMENT_BYTES;
  const place = (segment: number, offset: number) => ({ segment, offset });
  const table = [
    [place(0, 0), place(0, 0), 0],
    [place(0, 40), place(0, 100), 60],
    // Others may add to a file beyond what is known of it.
    [place(0, 100), place(0, 40), 0],
    [place(0, 100), place(1, 100), full],
    [place(0, 100), place(3, 0), 3 * full - 100],
    // A segment ends with the write that makes it too large.
    [place(0, full + 5_000), place(1, 100), 1],
    [place(2, 0), place(1, 100), 0],
  ] as const;
  for (const [from, to, bytes] of table)
    expect([from, to, bytesBetween(from, to)]).toEqual([from, to, bytes]);
});

test("a spool ends in its newest segment, and one that nobody wrote to at its start", () => {
  const folder = spoolOf("one\n", "three\n");
  expect(spoolEnd(folder)).toEqual({ segment: 1, offset: 6 });
  rmSync(folder, { recursive: true });
  const none = spoolOf();
  expect(spoolEnd(none)).toEqual(spoolStart);
  rmSync(none, { recursive: true });
});

test("reading goes on to the next segment where one exists, and past a line that was cut there, and else stays", () => {
  const folder = spoolOf("whole\ncut", "next\n");
  const { upTo } = readSpool(folder, spoolStart);
  expect(upTo).toEqual({ segment: 0, offset: 6 });
  expect(readSpool(folder, upTo).upTo).toEqual({ segment: 1, offset: 0 });
  expect(readSpool(folder, { segment: 1, offset: 5 }).upTo).toEqual({ segment: 1, offset: 5 });
  rmSync(folder, { recursive: true });
});
