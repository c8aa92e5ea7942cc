import { median } from "./measure/statistics.js";
import type { Streams } from "./measure/streams.js";
import type { Throughput } from "./measure/throughput.js";
import type { VariantName } from "./variants/variant.js";

/** One variant in one round. */
export type Run<T> = { readonly variant: VariantName; readonly round: number; readonly value: T };

export type Results = {
  readonly throughput: readonly Run<Throughput>[];
  readonly latency: readonly Run<Throughput>[];
  readonly streams: readonly Run<Streams>[];
  readonly notes: readonly string[];
  readonly failures: readonly string[];
};

export function medianOf<T>(
  runs: readonly Run<T>[],
  variant: VariantName,
  read: (value: T) => number,
): number {
  return median(runs.filter((run) => run.variant === variant).map((run) => read(run.value)));
}

type Pair<T> = {
  readonly of: VariantName;
  readonly to: VariantName;
  readonly read: (value: T) => number;
};

/** The median over rounds of each round's own ratio or difference: drift of the machine cancels out. */
export const medianRatio = <T>(runs: readonly Run<T>[], pair: Pair<T>): number =>
  median(pairs(runs, pair).map(([of, to]) => of / to));

export const medianDifference = <T>(runs: readonly Run<T>[], pair: Pair<T>): number =>
  median(pairs(runs, pair).map(([of, to]) => of - to));

function pairs<T>(runs: readonly Run<T>[], pair: Pair<T>): readonly [number, number][] {
  return runs.flatMap((run) => {
    const other = runs.find(({ variant, round }) => variant === pair.to && round === run.round);
    if (run.variant !== pair.of || other === undefined) return [];
    return [[pair.read(run.value), pair.read(other.value)]];
  });
}

export type Bar = {
  readonly name: string;
  readonly wanted: string;
  readonly measured: number;
  readonly isMet: boolean | undefined;
};

/** What Turnpike has promised. A bar with nothing to compare with is neither met nor missed. */
export function judge(results: Results): readonly Bar[] {
  const requests = (to: VariantName) =>
    medianRatio(results.throughput, { of: "turnpike", to, read: (t) => t.requestsPerSecond });
  const addedP50 = medianDifference(results.latency, {
    of: "turnpike",
    to: "direct",
    read: (t) => t.p50Us,
  });
  const memory = medianOf(results.streams, "turnpike", (s) => s.kbPerStream);
  const open = medianOf(results.streams, "turnpike", (s) => s.openPeak);
  const asked = results.streams[0]?.value.streams ?? 1000;
  return [
    atLeast(0.35, requests("nginx"), "requests/s ÷ nginx's"),
    atLeast(15, requests("portkey"), "requests/s ÷ Portkey's"),
    atMost(150, addedP50, "added p50 at 1 connection, µs"),
    atLeast(asked, open, "streams open at once"),
    atMost(60, memory, "memory per open stream, KB"),
  ];
}

const atLeast = (bound: number, measured: number, name: string): Bar => ({
  name,
  wanted: `≥ ${bound}`,
  measured,
  isMet: Number.isNaN(measured) ? undefined : measured >= bound,
});

const atMost = (bound: number, measured: number, name: string): Bar => ({
  name,
  wanted: `≤ ${bound}`,
  measured,
  isMet: Number.isNaN(measured) ? undefined : measured <= bound,
});
