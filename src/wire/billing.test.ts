import { expect, test } from "bun:test";
import { COST_NANO_USD_MAX } from "../kernel/limits.js";
import { parseBillingAnswer, printBillingRequest } from "./billing.js";

const ASKED = new Set(["a", "b", "c"]);

const read = (answer: unknown) =>
  parseBillingAnswer(typeof answer === "string" ? answer : JSON.stringify(answer), ASKED);

const costs = (...requests: readonly (readonly [unknown, unknown])[]) => ({
  requests: requests.map(([requestId, costNanoUsd]) => ({ requestId, costNanoUsd })),
});

test("costs are read in any order, and fractions are rounded up", () => {
  expect(read(costs(["c", 0], ["a", 100], ["b", 99.000001]))).toEqual(
    new Map([
      ["c", 0n],
      ["a", 100n],
      ["b", 100n],
    ]) as never,
  );
  expect(read('{"requests":[{"requestId":"a","costNanoUsd":1.5e3}]}')?.get("a")).toBe(
    1_500n as never,
  );
});

test("what is missing, negative, no number or not asked for is not said", () => {
  const odd = costs(
    ["a", -1],
    ["a", "100"],
    ["a", null],
    ["b", true],
    ["stranger", 5],
    [7, 5],
    ["c", Number(COST_NANO_USD_MAX) + 2],
  );
  expect(read(odd)).toEqual(new Map());
  expect(read({ requests: [null, 5, "a", [], {}] })).toEqual(new Map());
  expect(read('{"requests":[{"requestId":"a","costNanoUsd":1e999}]}')).toEqual(new Map());
  expect(read({ requests: null })).toEqual(new Map());
  expect(read({ requests: [] })).toEqual(new Map());
});

test("a request that is said to have cost this and that is asked for again", () => {
  expect(read(costs(["a", 5], ["b", 7], ["a", 6]))).toEqual(new Map([["b", 7n]]) as never);
  expect(read(costs(["a", 5], ["a", 5]))).toEqual(new Map([["a", 5n]]) as never);
  expect(read(costs(["a", 5], ["a", 6], ["a", 5]))).toEqual(new Map());
  expect(read(costs(["a", -5], ["a", 6]))).toEqual(new Map([["a", 6n]]) as never);
});

test("an answer of another shape is none", () => {
  for (const text of [
    "",
    "<html>",
    "null",
    "[]",
    "{}",
    '{"requests":{}}',
    '{"requests":[',
    '"a"',
  ]) {
    expect({ text, is: read(text) }).toEqual({ text, is: undefined });
  }
});

test("ids are asked for by name", () => {
  expect(printBillingRequest(["a", 'b"'])).toBe('{"requestIds":["a","b\\""]}');
});
