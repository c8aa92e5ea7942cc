import { expect, test } from "bun:test";
import { median, percentile, Samples } from "./statistics.js";

test("a percentile is a value that was seen, by nearest rank", () => {
  expect(percentile([7], 50)).toBe(7);
  expect(percentile([7], 99)).toBe(7);
  expect(percentile([1, 2], 50)).toBe(1);
  expect(percentile([1, 2, 3, 4], 50)).toBe(2);
  expect(percentile([1, 2, 3, 4], 100)).toBe(4);
  expect(percentile([1, 2, 3, 4], 0)).toBe(1);
});

test("nothing seen has no percentile and no median", () => {
  expect(percentile([], 50)).toBeNaN();
  expect(median([])).toBeNaN();
});

test("the median of an even count lies between the middle two", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([5])).toBe(5);
});

test("samples beyond the first block are kept, and sorted as numbers", () => {
  const samples = new Samples();
  for (let i = 100_000; i > 0; i--) samples.add(i);
  expect(samples.percentiles()).toEqual({ p50: 50_000, p90: 90_000, p99: 99_000 });
});
