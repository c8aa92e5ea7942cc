import { expect, test } from "bun:test";
import { nextUrgency, Pace, pauseMs } from "./pace.js";

test("a batch that never waited for a processor is followed by no pause, at any urgency", () => {
  for (let urgency = 0; urgency < 5; urgency++) {
    expect(pauseMs({ ranMs: 80, waitedMs: 0 }, urgency)).toBe(0);
  }
});

test("a pause is in proportion to the waiting, up to what leaves the drain its share of a processor", () => {
  const table = [
    // Ran, waited, urgency; pauses.
    [80, 0.5, 0, 10],
    [80, 40, 0, 800],
    [80, 100, 0, 1_520],
    [80, 40, 1, 720],
    [80, 40, 2, 320],
    [80, 40, 3, 120],
    [80, 40, 4, 0],
    // Never longer than two seconds.
    [1_000, 1_000, 0, 2_000],
    // Where nothing is known of processors.
    [0, 0, 0, 0],
  ] as const;
  for (const [ranMs, waitedMs, urgency, pauses] of table) {
    expect([ranMs, waitedMs, urgency, Math.round(pauseMs({ ranMs, waitedMs }, urgency))]).toEqual([
      ...[ranMs, waitedMs, urgency],
      pauses,
    ]);
  }
});

test("urgency grows while the spool grows or hardly shrinks, stays while it shrinks, and falls once all was drained", () => {
  const table = [
    // Before, now, whether all was drained between, urgency; the next.
    [100, 101, false, 0, 1],
    [100, 100, false, 1, 2],
    // At this pace it would take 24 and 19 more looks.
    [100, 96, false, 1, 2],
    [100, 95, false, 1, 1],
    [100, 10, false, 3, 3],
    [100, 200, false, 4, 4],
    [0, 100, true, 2, 1],
    [0, 0, true, 0, 0],
  ] as const;
  for (const [before, now, wasAll, urgency, next] of table) {
    const look = { before, now, wasAll };
    expect([look, nextUrgency(urgency, look)]).toEqual([look, next]);
  }
});

/** Batches of a crowded machine, which drain so much a second of processor time while so much is added a second. */
function simulated(of: { readonly seconds: number; readonly added: number; backlog: number }) {
  const drainedPerMs = 80;
  const pace = new Pace();
  let [nowMs, ranMs, left, most] = [0, 0, of.backlog, 0];
  while (nowMs < of.seconds * 1_000) {
    if (!pace.isPausing(nowMs)) {
      const took = { ranMs: Math.min(left / drainedPerMs, 80), waitedMs: 100 };
      left = Math.max(0, left - took.ranMs * drainedPerMs);
      ranMs += took.ranMs;
      pace.ended({ took, leftBytes: left }, nowMs);
    }
    nowMs += 50;
    left += of.added * 0.05;
    most = Math.max(most, left);
  }
  return { share: ranMs / nowMs, left, most };
}

test("where requests leave no processor free, a backlog that stands still costs them a twentieth of one at first", () => {
  expect(simulated({ seconds: 3, added: 0, backlog: 1_000_000 }).share).toBeLessThan(0.06);
});

test("what keeps coming faster than its share is drained all the same, within half a minute", () => {
  // Three tenths of a processor's time: with a share of a twentieth most of it would stay.
  const added = 0.3 * 80_000;
  const { left, most } = simulated({ seconds: 600, added, backlog: 0 });
  expect(most).toBeLessThan(30 * added);
  expect(left).toBeLessThan(30 * added);
});

test("a large backlog is gone in bounded time although requests go on", () => {
  // A minute and a half of a whole processor.
  const { left } = simulated({ seconds: 600, added: 0.1 * 80_000, backlog: 90 * 80_000 });
  expect(left).toBeLessThan(30 * 8_000);
});
