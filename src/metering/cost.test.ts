import { expect, test } from "bun:test";
import type { Price } from "../catalog/model.js";
import { COST_NANO_USD_MAX } from "../kernel/limits.js";
import { nanoUsd, parsePricePerMillion, parsePricePerUnit } from "../kernel/money.js";
import { type Measured, noUsage, TOKEN_UNITS, type Unit, type Usage } from "../tasks/usage.js";
import { charges, costOf, costOfUnits, moreWithin, mostCost, timesWithin } from "./cost.js";

/** As it is written: tokens per million, everything else per unit. */
const price = (units: { readonly [U in Unit]?: string }): Price =>
  Object.fromEntries(
    Object.entries(units).map(([unit, text]) => {
      const isToken = TOKEN_UNITS.some((token) => token === unit);
      return [unit, isToken ? parsePricePerMillion(text) : parsePricePerUnit(text)];
    }),
  );

const plain = price({ input: "0.18", output: "0.60" });

const measured = (amounts: Measured): Usage => ({ ...noUsage, measured: amounts });

test("lines are summed before they are rounded up, once", () => {
  const third = price({ input: "0.000333333", output: "0.000333333" });
  expect(costOf({ ...noUsage, inputTokens: 1, outputTokens: 1 }, third)).toBe(nanoUsd(1n));
  expect(costOf({ ...noUsage, inputTokens: 1000, outputTokens: 500 }, plain)).toBe(
    nanoUsd(480_000n),
  );
  expect(costOf(noUsage, plain)).toBe(nanoUsd(0n));
  // A third of a nano-dollar of text and two thirds of one of compute are one, not two.
  const mixed = price({ input: "0.000333333", compute_second: "0.000000001" });
  const usage = {
    ...noUsage,
    inputTokens: 1,
    measured: { computeNanoseconds: 666_666_667 },
  };
  expect(costOf(usage, mixed)).toBe(nanoUsd(1n));
});

test("every unit is priced by what it is made of", () => {
  const table: readonly [{ readonly [U in Unit]?: string }, Measured, bigint][] = [
    // Ten seconds on hardware at $0.00012 a second.
    [{ compute_second: "0.00012" }, { computeNanoseconds: 10_000_000_000 }, 1_200_000n],
    [{ compute_second: "0.000975" }, { computeNanoseconds: 22_899_515_643 }, 22_327_028n],
    [{ compute_second: "1" }, { computeNanoseconds: 1 }, 1n],
    [{ image: "0.025" }, { images: 3 }, 75_000_000n],
    [{ megapixel: "0.01" }, { pixels: 1024 * 768 }, 7_864_320n],
    [{ step: "0.0001" }, { steps: 28 }, 2_800_000n],
    [{ image: "0.01", step: "0.001" }, { images: 2, steps: 8 }, 28_000_000n],
    [{ video_second: "0.1" }, { videoNanoseconds: 5_200_000_000 }, 520_000_000n],
    [{ audio_second: "0.0001" }, { audioNanoseconds: 7_000_000_000 }, 700_000n],
    // Seven seconds are no whole number of minutes: 7/60 of 6 mills.
    [{ audio_minute: "0.006" }, { audioNanoseconds: 7_000_000_000 }, 700_000n],
    [{ audio_minute: "0.0061" }, { audioNanoseconds: 7_000_000_000 }, 711_667n],
    [{ million_characters: "15" }, { characters: 11 }, 165_000n],
    [{ request: "0.002" }, {}, 2_000_000n],
  ];
  for (const [units, amounts, cost] of table) {
    expect({ units, cost: costOf(measured(amounts), price(units)) }).toEqual({
      units,
      cost: nanoUsd(cost),
    });
  }
});

test("a cached, cache-written or reasoning token is charged at its own price, and only once", () => {
  const usage = {
    ...noUsage,
    inputTokens: 1000,
    cachedInputTokens: 400,
    cacheWriteTokens: 300,
    outputTokens: 100,
    reasoningTokens: 90,
  };
  const dear = price({
    input: "1",
    cached_input: "0.1",
    cache_write: "1.25",
    output: "1",
    reasoning: "2",
  });
  // 300 × 1 + 400 × 0.1 + 300 × 1.25 + 10 × 1 + 90 × 2
  expect(costOf(usage, dear)).toBe(nanoUsd(905_000n));
  expect(costOf(usage, price({ input: "1", output: "1" }))).toBe(nanoUsd(1_100_000n));
});

test("what the price charges and the usage does not say is an error, not free", () => {
  expect(() => costOf(noUsage, price({ compute_second: "1" }))).toThrow(RangeError);
  expect(() => costOf(measured({ pixels: 5 }), price({ image: "1" }))).toThrow(RangeError);
  expect(costOf(measured({ images: 0 }), price({ image: "1" }))).toBe(nanoUsd(0n));
  const bound = { inputTokens: 5, outputTokens: 5 };
  expect(() => mostCost(bound, price({ compute_second: "1" }))).toThrow(RangeError);
});

test("a fractional or negative count is an error, not a rounding", () => {
  expect(() => costOf({ ...noUsage, inputTokens: 1.5 }, plain)).toThrow(RangeError);
  expect(() => costOf({ ...noUsage, cachedInputTokens: 5 }, plain)).toThrow(RangeError);
  expect(() => costOf(measured({ images: 0.5 }), price({ image: "1" }))).toThrow(RangeError);
  expect(() => costOf(measured({ images: -1 }), price({ image: "1" }))).toThrow(RangeError);
});

test("a count that nobody can mean costs what fits a ledger", () => {
  const usage = { ...noUsage, outputTokens: Number.MAX_SAFE_INTEGER };
  expect(costOf(usage, price({ input: "1", output: "1000" }))).toBe(COST_NANO_USD_MAX);
});

test("units that a provider counted are charged where the price has one unit", () => {
  expect(costOfUnits(1_500_000_000n, price({ megapixel: "0.025" }))).toBe(nanoUsd(37_500_000n));
  expect(costOfUnits(1n, price({ image: "0.025" }))).toBe(nanoUsd(1n));
  expect(costOfUnits(1n, price({ image: "0.025", step: "1" }))).toBeUndefined();
  expect(costOfUnits(1n, {})).toBeUndefined();
});

test("a price charges what its units are made of", () => {
  expect(charges(price({ audio_minute: "1" }), "audioNanoseconds")).toBe(true);
  expect(charges(price({ audio_minute: "1", input: "1" }), "computeNanoseconds")).toBe(false);
  expect(charges(plain, "images")).toBe(false);
});

test("what fits beside the rest is counted in tokens, images or milliseconds", () => {
  const nothing = { inputTokens: 0, outputTokens: 0 };
  const token = { inputTokens: 0, outputTokens: 1 };
  expect(timesWithin(nanoUsd(6_000n), { ...nothing, inputTokens: 10 }, token, plain)).toBe(7);
  expect(timesWithin(nanoUsd(1_799n), { ...nothing, inputTokens: 10 }, token, plain)).toBe(0);
  expect(timesWithin(nanoUsd(1_800n), { ...nothing, inputTokens: 10 }, token, plain)).toBe(0);
  const image = { ...nothing, measured: { images: 1, steps: 4 } };
  const perImage = price({ image: "0.01", step: "0.001", request: "0.005" });
  expect(timesWithin(nanoUsd(60_999_999n), nothing, image, perImage)).toBe(3);
  expect(timesWithin(nanoUsd(61_000_000n), nothing, image, perImage)).toBe(4);
  const millisecond = { ...nothing, measured: { computeNanoseconds: 1_000_000 } };
  const perSecond = price({ compute_second: "0.00012", request: "0.5" });
  expect(moreWithin(nanoUsd(1_200_000n), millisecond, perSecond)).toBe(10_000);
  expect(moreWithin(nanoUsd(1_199_999n), millisecond, perSecond)).toBe(9_999);
  expect(timesWithin(nanoUsd(1_200_000n), nothing, millisecond, perSecond)).toBe(0);
  expect(timesWithin(nanoUsd(1n), nothing, image, plain)).toBe(Number.MAX_SAFE_INTEGER);
});
