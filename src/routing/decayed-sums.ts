/**
 * What was measured of one mapping, as sums that fade: what was added a half-life ago counts half. Fading multiplies
 * every sum by the same factor, so sums of several processes may be added up, at whatever moment, and the means made
 * of them are exact. A fixed number of bytes, however much is measured.
 */
import { FAILURES_HALF_LIFE_MS, SPEED_FADES_SLOWER } from "../kernel/limits.js";

export type Sums = Float64Array;

/** Attempts of any end; of them failures; of these, refusals for asking too much. They fade within minutes. */
export const ATTEMPTS = 0;
export const FAILURES = 1;
export const RATE_LIMITED = 2;
/** Answers that were timed, and the whole time they took. These and all below fade more slowly. */
export const ANSWERS = 3;
export const TOTAL_MS = 4;
/** Of answers in tokens: how many, in how much time. */
export const TOKENS = 5;
export const TOKENS_MS = 6;
/** Of answers that were streamed: how many, and how long their first byte took. */
export const STREAMS = 7;
export const FIRST_BYTE_MS = 8;
/** From here on: streams by the time of their first byte, in classes each √2 as long as the one before. */
const CLASSES_FROM = 9;
const CLASSES = 20;
const CLASSES_PER_OCTAVE = 2;
/** The first class ends here; the last one, beyond 10 s, has no end. */
const FIRST_CLASS_MS = 20;

export const SUMS_COUNT = CLASSES_FROM + CLASSES;

export const noSums = (): Sums => new Float64Array(SUMS_COUNT);

/** Fades sums in place by the time that has passed; a clock that was set back changes nothing. */
export function fade(sums: Sums, passedMs: number): void {
  if (passedMs <= 0) return;
  const slow = slowFactor(passedMs);
  const fast = slow ** SPEED_FADES_SLOWER;
  for (let i = 0; i < ANSWERS; i++) sums[i] = at(sums, i) * fast;
  for (let i = ANSWERS; i < SUMS_COUNT; i++) sums[i] = at(sums, i) * slow;
}

/** Adds `more`, as it was `passedMs` ago. */
export function addFaded(sums: Sums, more: ArrayLike<number>, passedMs: number): void {
  const slow = passedMs <= 0 ? 1 : slowFactor(passedMs);
  const fast = slow ** SPEED_FADES_SLOWER;
  for (let i = 0; i < ANSWERS; i++) sums[i] = at(sums, i) + at(more, i) * fast;
  for (let i = ANSWERS; i < SUMS_COUNT; i++) sums[i] = at(sums, i) + at(more, i) * slow;
}

/** One answer. `tokens` is 0 for what is not made of them, `firstByteMs` undefined for what came whole. */
export type Answer = {
  readonly tokens: number;
  readonly totalMs: number;
  readonly firstByteMs?: number | undefined;
};

/** Counts an answer, or a part of one where it shall weigh less. */
export function addAnswer(
  sums: Sums,
  { tokens, totalMs, firstByteMs }: Answer,
  weight: number,
): void {
  add(sums, ATTEMPTS, weight);
  add(sums, ANSWERS, weight);
  add(sums, TOTAL_MS, weight * totalMs);
  if (tokens > 0 && totalMs > 0) {
    add(sums, TOKENS, weight * tokens);
    add(sums, TOKENS_MS, weight * totalMs);
  }
  if (firstByteMs === undefined) return;
  add(sums, STREAMS, weight);
  add(sums, FIRST_BYTE_MS, weight * firstByteMs);
  add(sums, CLASSES_FROM + classOf(firstByteMs), weight);
}

/** Counts a failed attempt; nothing is learned from it about speed. */
export function addFailure(sums: Sums, isRateLimited: boolean, weight: number): void {
  add(sums, ATTEMPTS, weight);
  add(sums, FAILURES, weight);
  if (isRateLimited) add(sums, RATE_LIMITED, weight);
}

/** The time below which a `share` of first bytes came, in ms, to within a class; undefined where none was measured. */
export function firstByteQuantile(sums: Sums, share: number): number | undefined {
  let all = 0;
  for (let i = 0; i < CLASSES; i++) all += at(sums, CLASSES_FROM + i);
  if (all <= 0) return undefined;
  let left = share * all;
  for (let i = 0; i < CLASSES; i++) {
    const count = at(sums, CLASSES_FROM + i);
    // Within a class they are taken to lie evenly, on the scale that the classes are even on.
    if (count >= left && count > 0) {
      const part = left / count;
      return i === 0 ? FIRST_CLASS_MS * part : endOf(i - 1 + part);
    }
    left -= count;
  }
  return endOf(CLASSES - 1);
}

const endOf = (index: number): number => FIRST_CLASS_MS * 2 ** (index / CLASSES_PER_OCTAVE);

function classOf(ms: number): number {
  if (ms <= FIRST_CLASS_MS) return 0;
  const index = Math.ceil(CLASSES_PER_OCTAVE * Math.log2(ms / FIRST_CLASS_MS));
  return Math.min(index, CLASSES - 1);
}

const slowFactor = (passedMs: number): number =>
  2 ** (-passedMs / (FAILURES_HALF_LIFE_MS * SPEED_FADES_SLOWER));

const at = (sums: ArrayLike<number>, index: number): number => sums[index] ?? 0;

function add(sums: Sums, index: number, amount: number): void {
  sums[index] = at(sums, index) + amount;
}
