import { expect, test } from "bun:test";
import type { Mapping } from "../catalog/model.js";
import { defaultLimits } from "../kernel/limits.js";
import { Breakers, type Trouble } from "./breakers.js";
import { RetryBudget } from "./retry-budget.js";

const mappingOf = (provider: string, modelId: string): Mapping => ({
  provider,
  modelId,
  task: "conversational",
  providerModel: modelId,
  status: "live",
  price: undefined,
  isFree: true,
  source: "test",
});

const [one, other, third] = [mappingOf("p", "m/1"), mappingOf("p", "m/2"), mappingOf("q", "m/1")];

function start() {
  const breakers = new Breakers(defaultLimits, () => 1);
  const fail = (mapping: Mapping, trouble: Trouble, times = 1, pauseMs?: number) => {
    for (let i = 0; i < times; i++) {
      breakers.failed(mapping, { trouble, begunAt: 0, now: 0, pauseMs });
    }
  };
  const rests = () => [one, other, third].map((mapping) => breakers.restsForMs(mapping, 0));
  return { breakers, fail, rests };
}

test("whom a failure rests: the mapping, or all of the provider, and never another provider", () => {
  const table: readonly (readonly [string, Trouble, number, number | undefined, number[]])[] = [
    ["a few failures rest nobody", "other", 4, undefined, [0, 0, 0]],
    ["five in a row rest the mapping", "other", 5, undefined, [15_000, 0, 0]],
    ["any number of one mapping's leave the others alone", "other", 100, undefined, [15_000, 0, 0]],
    ["one 429 rests the mapping for a moment", "limited", 1, undefined, [1_000, 0, 0]],
    ["a 429 with a time rests it for that time", "limited", 1, 7_000, [7_000, 0, 0]],
    ["so does a 503 with a time", "other", 1, 7_000, [7_000, 0, 0]],
    ["nobody there twice may be chance", "connection", 2, undefined, [0, 0, 0]],
    ["nobody there three times rests all", "connection", 3, undefined, [15_000, 15_000, 0]],
    ["a bad key rests all at once", "account", 1, undefined, [60_000, 60_000, 0]],
  ];
  for (const [name, trouble, times, pauseMs, expected] of table) {
    const { fail, rests } = start();
    fail(one, trouble, times, pauseMs);
    expect([name, rests()]).toEqual([name, expected]);
  }
});

test("failures of several mappings without a success between them rest the provider", () => {
  const { breakers, fail, rests } = start();
  fail(one, "other", 4);
  fail(other, "other", 4);
  breakers.succeeded(one, 0);
  fail(one, "other", 4);
  fail(other, "limited", 4, 0);
  expect(rests()).toEqual([0, 0, 0]);
  fail(mappingOf("p", "m/3"), "other", 6);
  expect(rests()).toEqual([15_000, 15_000, 0]);
});

test("a mapping is known again when the catalog was read anew", () => {
  const { breakers, fail } = start();
  fail(one, "other", 5);
  expect(breakers.restsForMs({ ...one }, 0)).toBe(15_000);
  expect(breakers.stateOf({ ...one }, 15_000)).toEqual({
    mapping: "half-open",
    provider: "closed",
  });
});

test("a connection that fails while a mapping is half-open leaves its probe to the next request", () => {
  const { breakers, fail } = start();
  fail(one, "other", 5);
  breakers.begin(one, 15_000);
  expect(breakers.restsForMs(one, 15_000)).toBe(30_000);
  breakers.failed(one, { trouble: "connection", begunAt: 15_000, now: 15_001 });
  expect(breakers.restsForMs(one, 15_001)).toBe(0);
});

const RULES = { retryPercent: 20, retryFloorPerSecond: 1, retryBurst: 10 };

test("retries are bounded by a share of what was sent lately, a floor a second and what was saved", () => {
  const budget = new RetryBudget(RULES);
  const spendAll = (now: number): number => {
    let spent = 0;
    while (budget.spend(now)) spent++;
    return spent;
  };
  const earn = (count: number): void => {
    for (let i = 0; i < count; i++) budget.earn();
  };
  expect(spendAll(0)).toBe(10);
  expect(spendAll(3_000)).toBe(3);
  earn(25);
  expect(spendAll(3_000)).toBe(5);
  // 360,000 in an hour are 100 a second; ten seconds of that are remembered, and a fifth of it is earned.
  earn(360_000);
  expect(spendAll(3_603_000)).toBe(210);
  expect(spendAll(7_203_000)).toBe(10);
  // What was earned fades, whether or not somebody looks in between.
  earn(1_000);
  for (let now = 7_203_000; now < 7_303_000; now += 100) budget.isLow(now);
  expect(spendAll(7_303_000)).toBe(10);
});

test("a provider that fails now and then rests before its retries are spent, and others keep theirs", () => {
  const breakers = new Breakers(RULES, () => 1);
  let sent = 0;
  while (breakers.restsForMs(one, 0) === 0 && sent < 1_000) {
    breakers.begin(one, 0);
    // Three of ten fail: too few for the breaker, and more than there are retries for.
    if (sent++ % 10 < 7) breakers.succeeded(one, 0);
    else {
      breakers.failed(one, { trouble: "other", begunAt: 0, now: 0 });
      expect(breakers.mayRetry(one, 0)).toBe(true);
    }
  }
  expect(breakers.restsForMs(one, 0)).toBe(15_000);
  // What was kept back does for what is still under way there, and not for more.
  const left = Array.from({ length: 20 }, () => breakers.mayRetry(one, 0));
  expect(left.filter(Boolean).length).toBe(4);
  expect(breakers.mayRetry(third, 0)).toBe(true);
});
