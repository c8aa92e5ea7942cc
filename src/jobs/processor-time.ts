/** How much of the machine's processors the calling thread had, and how much it would have liked. */

import { readFileSync } from "node:fs";

export type ProcessorTime = {
  readonly ranMs: number;
  /** It could have run, and others did. */
  readonly waitedMs: number;
};

const NS_PER_MS = 1_000_000;

/**
 * Of the calling thread, since it began. Undefined where the system does not tell, which is anywhere but on Linux.
 * Source: Linux, Documentation/scheduler/sched-stats.rst, `/proc/<pid>/schedstat`: both in nanoseconds.
 */
export function processorTime(): ProcessorTime | undefined {
  try {
    const [ran, waited] = readFileSync("/proc/thread-self/schedstat", "latin1").split(" ");
    return { ranMs: Number(ran) / NS_PER_MS, waitedMs: Number(waited) / NS_PER_MS };
  } catch {
    // Not an error: then nobody knows whether anyone waits.
    return undefined;
  }
}

/** Between two moments; nothing, where one of them is not known. */
export const processorTimeFrom = (
  from: ProcessorTime | undefined,
  to: ProcessorTime | undefined,
): ProcessorTime =>
  from && to
    ? { ranMs: to.ranMs - from.ranMs, waitedMs: to.waitedMs - from.waitedMs }
    : { ranMs: 0, waitedMs: 0 };
