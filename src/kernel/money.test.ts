import { expect, test } from "bun:test";
import {
  formatUsd,
  parseAmount,
  parsePricePerMillion,
  parsePricePerUnit,
  parseUsd,
} from "./money.js";

test("dollars are read from decimal text without a float", () => {
  expect(parseUsd("0.10")).toBe(100_000_000n as never);
  expect(parseUsd("2")).toBe(2_000_000_000n as never);
  expect(parseUsd("9007199.254740993")).toBe(9_007_199_254_740_993n as never);
});

test("signs, exponents, blanks and a tenth decimal are refused", () => {
  for (const text of ["-1", "+1", "1e3", "", " 1", "1.", ".5", "0.0000000001", "NaN", "1,5"]) {
    expect(parseUsd(text)).toBeUndefined();
  }
});

test("a price per unit is a million times a price per million of the same text", () => {
  expect(parsePricePerMillion("0.18")).toBe(180_000_000n as never);
  expect(parsePricePerUnit("0.18")).toBe(180_000_000_000_000n as never);
});

test("dollars print exactly, with at least two decimals", () => {
  expect(formatUsd(100_000_000n)).toBe("0.10");
  expect(formatUsd(1n)).toBe("0.000000001");
  expect(formatUsd(-2_500_000_000n)).toBe("-2.50");
  expect(formatUsd(0n)).toBe("0.00");
  expect(formatUsd(90_600n)).toBe("0.0000906");
  expect(formatUsd(10n ** 18n - 10n)).toBe("999999999.99999999");
  for (let power = 1n; power <= 10n ** 18n; power *= 10n) {
    for (const amount of [power, 7n * power, power + 1n, power - 1n]) {
      const text = formatUsd(amount);
      expect([text, parseUsd(text)]).toEqual([text, amount as never]);
      expect(text).toMatch(/^\d+\.\d{2}(\d*[1-9])?$/);
    }
  }
});

test("an amount for the books is at most a billion dollars, far from 2^63 nano-USD", () => {
  expect(parseAmount("1000000000")).toBe((10n ** 18n) as never);
  expect(parseAmount("0")).toBe(0n as never);
  for (const text of [
    "1000000000.000000001",
    "9223372036.854775808",
    "999999999999",
    "1e3",
    "-1",
  ]) {
    expect(parseAmount(text)).toBeUndefined();
  }
});
