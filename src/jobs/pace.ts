/**
 * How fast the drain goes while nobody waits for it. Where a processor is free it never pauses. Where it had to wait
 * for one, so did requests: then it pauses between two batches, long enough to take no more than a small share of a
 * processor. That share grows step by step while the spool does, so that the spool cannot grow on and on.
 *
 * It pauses between transactions and is quick inside of them, because others wait for what a transaction has locked.
 * That is why it has no low priority, which a thread could not leave again without privileges either.
 */
import { DRAIN_PAUSE_MS_MAX } from "../kernel/limits.js";
import type { ProcessorTime } from "./processor-time.js";

/** What it may take of one processor while others want it, by urgency. */
const SHARES = [0.05, 0.1, 0.2, 0.4, 1] as const;
const MOST_URGENT = SHARES.length - 1;
/** So much longer than it had to wait it pauses, unless its share allows more. */
const PAUSES_PER_WAIT = 20;
const LOOK_EVERY_MS = 3_000;
/** A backlog that would not be gone after so many more looks is urgent. */
const LOOKS_MAX = 20;

/** How long to pause after a batch that took `took`, in milliseconds. */
export function pauseMs({ ranMs, waitedMs }: ProcessorTime, urgency: number): number {
  const share = SHARES[urgency] ?? 1;
  return Math.min(waitedMs * PAUSES_PER_WAIT, ranMs * (1 / share - 1), DRAIN_PAUSE_MS_MAX);
}

export type Look = {
  /** What is spooled and not drained, in bytes: at the last look, and now. */
  readonly before: number;
  readonly now: number;
  /** Whether all was drained at some moment between. */
  readonly wasAll: boolean;
};

/** From 0 up: one step more while the spool grows or hardly shrinks, one less once all was drained. */
export function nextUrgency(urgency: number, { before, now, wasAll }: Look): number {
  if (wasAll) return Math.max(0, urgency - 1);
  const isSlow = (before - now) * LOOKS_MAX < now;
  return isSlow ? Math.min(MOST_URGENT, urgency + 1) : urgency;
}

/** The pace of one drain. Times are in milliseconds from some fixed moment. */
export class Pace {
  private urgency = 0;
  private pausesUntilMs = 0;
  private looked: { readonly atMs: number; readonly leftBytes: number } | undefined;
  private wasAll = false;

  isPausing(nowMs: number): boolean {
    return nowMs < this.pausesUntilMs;
  }

  /** A batch has ended that left so much. */
  ended(batch: { readonly took: ProcessorTime; readonly leftBytes: number }, nowMs: number): void {
    const { took, leftBytes } = batch;
    if (leftBytes === 0) this.wasAll = true;
    this.looked ??= { atMs: nowMs, leftBytes };
    if (nowMs - this.looked.atMs >= LOOK_EVERY_MS) this.look(leftBytes, nowMs);
    this.pausesUntilMs = nowMs + pauseMs(took, this.urgency);
  }

  private look(leftBytes: number, nowMs: number): void {
    const before = this.looked?.leftBytes ?? 0;
    this.urgency = nextUrgency(this.urgency, { before, now: leftBytes, wasAll: this.wasAll });
    this.looked = { atMs: nowMs, leftBytes };
    this.wasAll = false;
  }
}
