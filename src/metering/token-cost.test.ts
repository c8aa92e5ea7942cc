import { expect, test } from "bun:test";
import type { Price } from "../catalog/model.js";
import type { PricePerMillion } from "../kernel/money.js";
import { noUsage, type Usage } from "../tasks/usage.js";
import { tokenCost, tokenCostMost } from "./token-cost.js";

const per = (amount: bigint): PricePerMillion => amount as PricePerMillion;

const SEED = 20261129;

/** A number from 0 to below 1, the same ones every time (mulberry32). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The same by the book, in bigints alone. */
function byTheBook(usage: Usage, price: Price): bigint {
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage;
  const { input = 0n, output = 0n, request = 0n } = price;
  const millionths =
    BigInt(inputTokens - cachedInputTokens - cacheWriteTokens) * input +
    BigInt(cachedInputTokens) * (price.cached_input ?? input) +
    BigInt(cacheWriteTokens) * (price.cache_write ?? input) +
    BigInt(outputTokens - reasoningTokens) * output +
    BigInt(reasoningTokens) * (price.reasoning ?? output) +
    request;
  return millionths / 1_000_000n + (millionths % 1_000_000n > 0n ? 1n : 0n);
}

test(`what is computed in numbers is what bigints say, to the nano-dollar (seed ${SEED})`, () => {
  const roll = dice(SEED);
  // From one to beyond what is exact, so that products fall on both sides of the bound.
  const upTo = (digits: number) => Math.floor(10 ** (roll() * digits));
  let inNumbers = 0;
  for (let i = 0; i < 20_000; i++) {
    const inputTokens = upTo(7);
    const outputTokens = upTo(7);
    const cachedInputTokens = Math.floor(roll() * inputTokens);
    const usage: Usage = {
      ...noUsage,
      inputTokens,
      cachedInputTokens,
      cacheWriteTokens: Math.floor(roll() * (inputTokens - cachedInputTokens)),
      outputTokens,
      reasoningTokens: Math.floor(roll() * outputTokens),
    };
    const price: Price = {
      input: per(BigInt(upTo(12))),
      output: per(BigInt(upTo(12))),
      ...(roll() < 0.5 && { cached_input: per(BigInt(upTo(12))) }),
      ...(roll() < 0.5 && { reasoning: per(BigInt(upTo(12))) }),
      ...(roll() < 0.5 && { request: per(BigInt(upTo(15))) }),
    };
    const cost = tokenCost(usage, price);
    if (cost === undefined) continue;
    inNumbers++;
    expect({ usage, cost: BigInt(cost) }).toEqual({ usage, cost: byTheBook(usage, price) });
  }
  expect(inNumbers).toBeGreaterThan(10_000);
  expect(inNumbers).toBeLessThan(20_000);
});

test("just below what a number holds exactly the last millionth still counts", () => {
  const usage = { ...noUsage, inputTokens: 1 };
  const most = BigInt(Number.MAX_SAFE_INTEGER);
  for (const input of [9_007_199_254_000_000n, 9_007_199_254_000_001n, most]) {
    expect(tokenCost(usage, { input: per(input) })).toBe(
      byTheBook(usage, { input: per(input) }) as never,
    );
  }
  expect(tokenCost({ ...usage, inputTokens: 2 }, { input: per(most) })).toBeUndefined();
  expect(tokenCost(usage, { input: per(most + 1n) })).toBeUndefined();
});

test("the most counts every token at the dearest that it can turn out to be", () => {
  const price = { input: per(100n), cache_write: per(125n), output: per(1n), reasoning: per(3n) };
  const bound = { inputTokens: 1_000_000, outputTokens: 1_000_001 };
  expect(tokenCostMost(bound, price)).toBe((125n + 4n) as never);
});

test("what is no token, or no count, is not computed here", () => {
  expect(tokenCost(noUsage, { compute_second: per(1n) })).toBeUndefined();
  expect(tokenCost({ ...noUsage, inputTokens: 1.5 }, {})).toBeUndefined();
  expect(tokenCost({ ...noUsage, cachedInputTokens: 5 }, {})).toBeUndefined();
  expect(tokenCost({ ...noUsage, reasoningTokens: -5 }, {})).toBeUndefined();
});
