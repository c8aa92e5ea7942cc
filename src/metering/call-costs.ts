/**
 * What calls of a mapping cost, as counts of calls that cost about the same: eight classes to every doubling, so
 * that a cost read from its class is less than five percent off, and all costs there can be fit into 400 numbers.
 */
import { type NanoUsd, nanoUsd } from "../kernel/money.js";

const CLASSES_TO_A_DOUBLING = 8;

/** How many calls cost about as much. */
export type CostClass = { readonly bucket: number; readonly calls: number };

/** The class of a cost above zero. */
export const costClass = (cost: bigint): number =>
  Math.floor(Math.log2(Number(cost)) * CLASSES_TO_A_DOUBLING);

/** A cost in the middle of a class. */
const costIn = (bucket: number): NanoUsd =>
  nanoUsd(BigInt(Math.round(2 ** ((bucket + 0.5) / CLASSES_TO_A_DOUBLING))));

export type CallCosts = { readonly calls: number; readonly p50: NanoUsd; readonly p95: NanoUsd };

/** Half of the calls cost `p50` or less, all but one in twenty `p95`. Undefined for less than `callsMin` calls. */
export function callCosts(classes: readonly CostClass[], callsMin: number): CallCosts | undefined {
  const sorted = [...classes].sort((a, b) => a.bucket - b.bucket);
  const calls = sorted.reduce((sum, each) => sum + each.calls, 0);
  if (calls === 0 || calls < callsMin) return undefined;
  return { calls, p50: quantile(sorted, calls, 50), p95: quantile(sorted, calls, 95) };
}

function quantile(sorted: readonly CostClass[], calls: number, percent: number): NanoUsd {
  let left = Math.ceil((calls * percent) / 100);
  for (const { bucket, calls: some } of sorted) {
    left -= some;
    if (left <= 0) return costIn(bucket);
  }
  throw new Error("more calls than there were");
}
