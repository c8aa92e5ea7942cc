import { expect, test } from "bun:test";
import type { Price } from "../../src/catalog/model.js";
import { parsePricePerMillion, parsePricePerUnit } from "../../src/kernel/money.js";
import { costOf } from "../../src/metering/cost.js";
import { itemsOf, PARTS, roundingOf } from "../../src/metering/items.js";
import {
  MEASURES,
  noUsage,
  OTHER_UNITS,
  TOKEN_UNITS,
  type Unit,
  type Usage,
} from "../../src/tasks/usage.js";
import { randomFrom } from "../support/random.js";

const SEED = Number(process.env.TURNPIKE_TEST_SEED ?? Date.now() % 1_000_000);

const priceOf = (price: Readonly<Partial<Record<Unit, string>>>): Price =>
  Object.fromEntries(
    Object.entries(price).map(([unit, text]) => [
      unit,
      (TOKEN_UNITS as readonly string[]).includes(unit)
        ? parsePricePerMillion(text)
        : parsePricePerUnit(text),
    ]),
  );

const lines = (usage: Usage, price: Price) =>
  itemsOf(usage, price).map(({ unit, billionths }) => [unit, Number(billionths) / 1e9]);

test("every class of tokens stands at its own price, or with those whose price it was charged at", () => {
  const usage = {
    ...noUsage,
    inputTokens: 100,
    cachedInputTokens: 60,
    cacheWriteTokens: 10,
    outputTokens: 20,
    reasoningTokens: 5,
  };
  expect(lines(usage, priceOf({ input: "1", output: "2" }))).toEqual([
    ["input", 100],
    ["output", 20],
  ]);
  const all = priceOf({
    input: "1",
    cached_input: "0.1",
    cache_write: "2",
    output: "3",
    reasoning: "4",
  });
  expect(lines(usage, all)).toEqual([
    ["input", 30],
    ["cached_input", 60],
    ["cache_write", 10],
    ["output", 15],
    ["reasoning", 5],
  ]);
});

test("what is no token stands in the unit that its price is quoted in", () => {
  const usage = {
    ...noUsage,
    measured: { audioNanoseconds: 90_000_000_000, pixels: 1_048_576, computeNanoseconds: 1 },
  };
  const price = priceOf({
    audio_minute: "0.006",
    megapixel: "0.01",
    compute_second: "1",
    request: "0.5",
  });
  expect(lines(usage, price)).toEqual([
    ["request", 1],
    ["megapixel", 1.048576],
    ["audio_minute", 1.5],
    ["compute_second", 1e-9],
  ]);
});

test("what was not used, and what costs nothing here, has no line", () => {
  expect(itemsOf(noUsage, priceOf({ input: "1", output: "2" }))).toEqual([]);
  expect(itemsOf({ ...noUsage, inputTokens: 5 }, {})).toEqual([]);
});

test(`the lines and their rounding add up to the cost, whatever was used and charged (seed ${SEED})`, () => {
  const { below } = randomFrom(SEED);
  for (let round = 0; round < 500; round++) {
    const inputTokens = below(5_000);
    const outputTokens = below(5_000);
    const cachedInputTokens = below(inputTokens + 1);
    const usage: Usage = {
      inputTokens,
      cachedInputTokens,
      cacheWriteTokens: below(inputTokens - cachedInputTokens + 1),
      outputTokens,
      reasoningTokens: below(outputTokens + 1),
      measured: Object.fromEntries(MEASURES.map((each) => [each, below(30_000)])),
      estimated: false,
    };
    const units = [...TOKEN_UNITS, ...OTHER_UNITS].filter(() => below(3) === 0);
    const price = priceOf(Object.fromEntries(units.map((unit) => [unit, `0.${below(999_999)}`])));
    const items = itemsOf(usage, price);
    const sum = items.reduce((total, { amount }) => total + amount, 0n) + roundingOf(items);
    expect(sum % PARTS).toBe(0n);
    expect(sum / PARTS).toBe(costOf(usage, price));
  }
});
