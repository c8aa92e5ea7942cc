/** Tells other processes what this one measured of its mappings, and hears what they did. */
import type { Clock } from "../kernel/clock.js";
import { STATISTICS_KEPT_MS } from "../kernel/limits.js";
import type { SharedSums, Statistics } from "../routing/statistics.js";

export type SharingParts = {
  readonly node: string;
  readonly clock: Clock;
  readonly statistics: Statistics;
  readonly store: {
    readonly write: (node: string, shared: readonly SharedSums[]) => Promise<void>;
    readonly ofOthers: (node: string, after: number) => Promise<readonly SharedSums[]>;
  };
};

/** One round. Where the store does not answer, nothing is lost: the next round tells it all. */
export async function shareStatistics(parts: SharingParts): Promise<void> {
  const { node, clock, statistics, store } = parts;
  await tellStatistics(parts);
  const others = await store.ofOthers(node, clock.now() - STATISTICS_KEPT_MS);
  statistics.hear(others, clock.now());
}

/** Only the first half of it: for a process that ends. */
export async function tellStatistics({ node, statistics, store }: SharingParts): Promise<void> {
  const changed = statistics.changed();
  if (changed.length === 0) return;
  await store.write(node, changed);
  statistics.written(changed);
}
