import { expect, test } from "bun:test";
import { callCosts, costClass } from "./call-costs.js";

const classesOf = (costs: readonly bigint[]) =>
  costs.map((cost) => ({ bucket: costClass(cost), calls: 1 }));

test("a cost read from its class is less than five percent off", () => {
  for (const cost of [1n, 2n, 7n, 430n, 1_620n, 99_999_999n, 10n ** 15n]) {
    const read = callCosts(classesOf([cost]), 1)?.p50 ?? 0n;
    const off = Math.abs(Number(read) / Number(cost) - 1);
    expect(cost < 10n ? Number(read) : off).toBeLessThan(cost < 10n ? Number(cost) * 1.5 : 0.05);
  }
});

test("a dearer call is never in a lower class", () => {
  let last = costClass(1n);
  for (let cost = 1n; cost < 10n ** 15n; cost += cost / 50n + 1n) {
    expect(costClass(cost)).toBeGreaterThanOrEqual(last);
    last = costClass(cost);
  }
});

test("half of the calls cost p50 or less, and all but one in twenty p95", () => {
  const costs = Array.from({ length: 100 }, (_, i) =>
    BigInt(i < 50 ? 1_000 : i < 95 ? 2_000 : 64_000),
  );
  const found = callCosts(classesOf(costs.reverse()), 20);
  expect(found?.calls).toBe(100);
  expect(Number(found?.p50) / 1_000).toBeCloseTo(1, 1);
  expect(Number(found?.p95) / 2_000).toBeCloseTo(1, 1);
});

test("a few calls, and none, say nothing", () => {
  const few = classesOf(Array.from({ length: 19 }, () => 5n));
  expect(callCosts(few, 20)).toBeUndefined();
  expect(callCosts([...few, ...few.slice(0, 1)], 20)).toMatchObject({ calls: 20 });
  expect(callCosts([], 0)).toBeUndefined();
});
