/**
 * Seeded chance. Two keys are in use, on purpose:
 *
 * - what an answer *says* is keyed by seed, provider, model and request content, so the same question
 *   gets the same words whatever came before it;
 * - ids, timestamps and dice (fail_rate, rate_limit_rate) are keyed by seed and the number of the
 *   request, so ids stay unique and a repeated request does not fail for ever.
 *
 * The same requests in the same order on a fresh simulator therefore give the same bytes.
 */
export type Random = () => number;

export const hashOf = (text: string): number => Bun.hash.xxHash32(text);

/** mulberry32: a whole 32-bit state, good enough for prose and dice. Returns [0, 1). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export const below = (random: Random, limit: number): number => Math.floor(random() * limit);

export function pick<T>(random: Random, from: readonly T[]): T {
  const chosen = from[below(random, from.length)];
  if (chosen === undefined) throw new RangeError("nothing to pick from");
  return chosen;
}
