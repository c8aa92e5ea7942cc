/** Prices, usages and funds of chance, against fractions kept by themselves. */
import { expect, test } from "bun:test";
import type { Price } from "../../src/catalog/model.js";
import { nanoUsd, type PricePerMillion } from "../../src/kernel/money.js";
import { addedCost, costOf, mostCost, timesWithin } from "../../src/metering/cost.js";
import {
  MADE_OF,
  type Measured,
  OTHER_UNITS,
  TOKEN_UNITS,
  type Unit,
  type Usage,
  type UsageBound,
} from "../../src/tasks/usage.js";
import { type Random, randomFrom } from "../support/random.js";

function anyPrice(random: Random): Price {
  const price: { [U in Unit]?: PricePerMillion } = {};
  for (const unit of [...TOKEN_UNITS, ...OTHER_UNITS]) {
    if (random.chance(0.6)) continue;
    // Up to three dollars, for a million tokens or for one of what is no token.
    const each = BigInt(random.below(3e9));
    const isToken = TOKEN_UNITS.some((token) => token === unit);
    price[unit] = (isToken ? each : each * 1_000_000n) as PricePerMillion;
  }
  return price;
}

function anyBound(random: Random): UsageBound & { readonly measured: Measured } {
  const below = (most: number) => random.below(random.pick([2, 1_000, most]));
  return {
    inputTokens: below(2_000_000),
    outputTokens: below(200_000),
    measured: {
      images: below(16),
      pixels: below(20_000_000),
      steps: below(500),
      videoNanoseconds: below(60e9),
      audioNanoseconds: below(3_600e9),
      characters: below(1e6),
      computeNanoseconds: below(600e9),
    },
  };
}

/** Some usage that stays within a bound, often all of it. */
function usageWithin(bound: ReturnType<typeof anyBound>, random: Random): Usage {
  const part = (most: number) => (random.chance(0.3) ? most : random.below(most + 1));
  const inputTokens = part(bound.inputTokens);
  const outputTokens = part(bound.outputTokens);
  const cachedInputTokens = part(inputTokens);
  return {
    inputTokens,
    cachedInputTokens,
    cacheWriteTokens: part(inputTokens - cachedInputTokens),
    outputTokens,
    reasoningTokens: part(outputTokens),
    measured: Object.fromEntries(
      Object.entries(bound.measured).map(([name, most]) => [name, part(most)]),
    ),
    estimated: false,
  };
}

const SEED = Number(process.env.TURNPIKE_TEST_SEED ?? Date.now() % 1_000_000);
const CASES = 5_000;

test(`for any price, no usage within a bound costs less than nothing or more than the hold (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  for (let i = 0; i < CASES; i++) {
    const each = anyPrice(random);
    const bound = anyBound(random);
    const cost = costOf(usageWithin(bound, random), each);
    expect(cost >= 0n && cost <= mostCost(bound, each)).toBe(true);
  }
});

test(`a request counted in pieces differs from the whole by one rounding each at most (seed ${SEED})`, () => {
  const random = randomFrom(SEED + 1);
  for (let i = 0; i < CASES; i++) {
    const { request: _once, ...each } = anyPrice(random);
    const [a, b] = [anyBound(random), anyBound(random)];
    const whole = addedCost(sum(a, b), each);
    const pieces = addedCost(a, each) + addedCost(b, each);
    expect(pieces - whole === 0n || pieces - whole === 1n).toBe(true);
    expect(exact(sum(a, b), each).ceil).toBe(whole);
  }
});

test(`what fits into funds does, and one more does not (seed ${SEED})`, () => {
  const random = randomFrom(SEED + 2);
  let clamped = 0;
  for (let i = 0; i < CASES; i++) {
    const each = anyPrice(random);
    const [fixed, one] = [anyBound(random), anyBound(random)];
    const funds = nanoUsd(BigInt(random.below(1e12)));
    const times = timesWithin(funds, fixed, one, each);
    if (times === Number.MAX_SAFE_INTEGER) {
      expect(addedCost(one, each)).toBe(nanoUsd(0n));
      continue;
    }
    clamped++;
    const fits = (count: number) => mostCost(sum(fixed, scaled(one, count)), each) <= funds;
    expect({ i, fits: times === 0 || fits(times) }).toEqual({ i, fits: true });
    expect({ i, fits: fits(times + 1) }).toEqual({ i, fits: false });
  }
  expect(clamped).toBeGreaterThan(CASES / 2);
});

function sum(a: ReturnType<typeof anyBound>, b: ReturnType<typeof anyBound>) {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    measured: Object.fromEntries(
      Object.entries(a.measured).map(([name, amount]) => [
        name,
        amount + (b.measured[name as keyof Measured] ?? 0),
      ]),
    ),
  };
}

const scaled = (one: ReturnType<typeof anyBound>, times: number) => ({
  inputTokens: one.inputTokens * times,
  outputTokens: one.outputTokens * times,
  measured: Object.fromEntries(
    Object.entries(one.measured).map(([name, amount]) => [name, amount * times]),
  ),
});

/** The same by fractions, one unit after the other: numerators over one large denominator. */
function exact(bound: ReturnType<typeof sum>, each: Price): { readonly ceil: bigint } {
  const DENOMINATOR = 10n ** 24n * 60n;
  let numerator = 0n;
  const add = (count: number, perUnit: bigint, unitsPerPrice: bigint): void => {
    numerator += (BigInt(count) * perUnit * DENOMINATOR) / (unitsPerPrice * 1_000_000n);
  };
  const dearest = (...units: readonly Unit[]): bigint =>
    units.map((unit) => each[unit] ?? 0n).sort((a, b) => (a < b ? 1 : -1))[0] ?? 0n;
  add(bound.inputTokens, dearest("input", "cached_input", "cache_write"), 1n);
  add(bound.outputTokens, dearest("output", "reasoning"), 1n);
  for (const [unit, { measure, count }] of Object.entries(MADE_OF)) {
    add(bound.measured[measure] ?? 0, each[unit as Unit] ?? 0n, count);
  }
  return { ceil: (numerator + DENOMINATOR - 1n) / DENOMINATOR };
}
