import { expect, test } from "bun:test";
import type { Price } from "../catalog/model.js";
import { nanoUsd, parsePricePerMillion } from "../kernel/money.js";
import { noUsage } from "../tasks/usage.js";
import { costOf, isChatPrice, mostCost, outputTokensWithin } from "./cost.js";

const price = (units: Record<string, string>): Price =>
  Object.fromEntries(
    Object.entries(units).map(([unit, text]) => [unit, parsePricePerMillion(text)]),
  );

const plain = price({ input: "0.18", output: "0.60" });

test("lines are summed before they are rounded up, once", () => {
  const third = price({ input: "0.000333333", output: "0.000333333" });
  expect(costOf({ ...noUsage, inputTokens: 1, outputTokens: 1 }, third)).toBe(nanoUsd(1n));
  expect(costOf({ ...noUsage, inputTokens: 1000, outputTokens: 500 }, plain)).toBe(
    nanoUsd(480_000n),
  );
  expect(costOf(noUsage, plain)).toBe(nanoUsd(0n));
});

test("a cached token is charged at its own price, and not as input too", () => {
  const usage = { ...noUsage, inputTokens: 1000, cachedInputTokens: 400 };
  expect(costOf(usage, price({ input: "1", output: "1", cached_input: "0.1" }))).toBe(
    nanoUsd(640_000n),
  );
  expect(costOf(usage, price({ input: "1", output: "1" }))).toBe(nanoUsd(1_000_000n));
});

test("a reasoning token is charged at its own price, and not as output too", () => {
  const usage = { ...noUsage, outputTokens: 1000, reasoningTokens: 900 };
  expect(costOf(usage, price({ input: "1", output: "1", reasoning: "2" }))).toBe(
    nanoUsd(1_900_000n),
  );
  expect(costOf(usage, price({ input: "1", output: "1" }))).toBe(nanoUsd(1_000_000n));
});

test("no split of a bound into cached and reasoning tokens costs more than mostCost", () => {
  const odd = price({ input: "0.3", cached_input: "0.75", output: "1.1", reasoning: "4.4" });
  for (let cached = 0; cached <= 50; cached += 10) {
    for (let reasoning = 0; reasoning <= 40; reasoning += 8) {
      const usage = {
        ...noUsage,
        inputTokens: 50,
        cachedInputTokens: cached,
        outputTokens: 40,
        reasoningTokens: reasoning,
      };
      expect(costOf(usage, odd)).toBeLessThanOrEqual(
        mostCost({ inputTokens: 50, outputTokens: 40 }, odd),
      );
    }
  }
});

test("the output that fits costs no more than the funds, and one token more would", () => {
  for (const funds of [0n, 1n, 17n, 6_000n, 1_000_003n].map(nanoUsd)) {
    const outputTokens = outputTokensWithin(funds, 10, plain);
    if (outputTokens > 0)
      expect(mostCost({ inputTokens: 10, outputTokens }, plain)).toBeLessThanOrEqual(funds);
    expect(mostCost({ inputTokens: 10, outputTokens: outputTokens + 1 }, plain)).toBeGreaterThan(
      funds,
    );
  }
});

test("a fractional count is an error, not a rounding", () => {
  expect(() => costOf({ ...noUsage, inputTokens: 1.5 }, plain)).toThrow(RangeError);
});

test("a price in units that chat cannot count is no chat price", () => {
  expect(isChatPrice(plain)).toBe(true);
  expect(isChatPrice(price({ request: "1" }))).toBe(true);
  expect(isChatPrice(price({ compute_second: "1" }))).toBe(false);
  expect(isChatPrice({})).toBe(false);
});
