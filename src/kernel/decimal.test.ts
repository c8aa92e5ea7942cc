import { expect, test } from "bun:test";
import { ceilDecimal, ceilNumber, printDecimal } from "./decimal.js";

test("decimal text becomes whole units, and what lies below one is rounded up", () => {
  const table: readonly [string, number, bigint | undefined][] = [
    ["0", 9, 0n],
    ["0.000", 0, 0n],
    ["1", 9, 1_000_000_000n],
    ["22.899515643", 9, 22_899_515_643n],
    [" 57 ", 9, 57_000_000_000n],
    ["1.0000000001", 9, 1_000_000_001n],
    ["99.000000001", 0, 100n],
    ["1.23e-7", 9, 123n],
    ["1.2e-10", 9, 1n],
    ["1e-400", 9, 1n],
    ["0e-400", 9, 0n],
    ["2.5E+3", 0, 2_500n],
    ["9007199254740993", 0, 9_007_199_254_740_993n],
    ["5.", 0, 5n],
  ];
  for (const [text, decimals, whole] of table) {
    expect({ text, whole: ceilDecimal(text, decimals) }).toEqual({ text, whole });
  }
});

test("what is no number, signed, or beyond all reason is nothing", () => {
  for (const text of [
    "",
    "-1",
    "+1",
    "1,5",
    "0x10",
    "NaN",
    "Infinity",
    ".5",
    "1e",
    "1e99",
    "1 2",
  ]) {
    expect({ text, whole: ceilDecimal(text, 9) }).toEqual({ text, whole: undefined });
  }
  expect(ceilDecimal("9".repeat(41), 0)).toBeUndefined();
  for (const value of [-0.5, Number.NaN, Number.POSITIVE_INFINITY, "1", null, [1], 1e60]) {
    expect(ceilNumber(value, 9)).toBeUndefined();
  }
});

test("a number out of JSON keeps the digits it was written with", () => {
  expect(ceilNumber(JSON.parse("0.000000123"), 9)).toBe(123n);
  expect(ceilNumber(JSON.parse("0.1"), 9)).toBe(100_000_000n);
  expect(ceilNumber(JSON.parse("1e-9"), 9)).toBe(1n);
  expect(ceilNumber(100, 0)).toBe(100n);
  expect(ceilNumber(99.5, 0)).toBe(100n);
});

test("whole units print as the shortest decimal text", () => {
  expect(printDecimal(1_500_000_000n, 9)).toBe("1.5");
  expect(printDecimal(1n, 9)).toBe("0.000000001");
  expect(printDecimal(3_000_000n, 6)).toBe("3");
  expect(printDecimal(0n, 9)).toBe("0");
  expect(printDecimal(42n, 0)).toBe("42");
});
