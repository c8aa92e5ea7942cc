import { expect, test } from "bun:test";
import { COST_NANO_USD_MAX } from "../kernel/limits.js";
import { nanoUsd, type PricePerMillion } from "../kernel/money.js";
import { noUsage, type Reported, type Usage } from "../tasks/usage.js";
import { billOf } from "./reported.js";

const per = (nano: bigint) => nano as PricePerMillion;
const tokens = { input: per(1_000_000n), output: per(2_000_000n) };
const perSecond = { compute_second: per(1_000_000n * 1_000_000n) };
const usage: Usage = { ...noUsage, inputTokens: 10, outputTokens: 5 };
const timed: Usage = { ...usage, measured: { computeNanoseconds: 2_000_000_000 } };

const cost = (nano: bigint): Reported => ({ kind: "cost", cost: nanoUsd(nano) });
const seconds = (nanoseconds: number): Reported => ({
  kind: "measured",
  measured: { computeNanoseconds: nanoseconds },
});

test("a cost that the provider names is what is charged, beside what we would have counted", () => {
  expect(billOf(usage, cost(7n), tokens)).toEqual({
    usage,
    cost: nanoUsd(7n),
    counted: nanoUsd(20n),
  });
  expect(billOf(usage, cost(0n), tokens)).toMatchObject({
    cost: nanoUsd(0n),
    counted: nanoUsd(20n),
  });
  expect(billOf(usage, undefined, tokens)).toEqual({
    usage,
    cost: nanoUsd(20n),
    counted: undefined,
  });
});

test("an own key or a free offer costs nothing, whatever the provider says", () => {
  for (const reported of [cost(7n), seconds(5), { kind: "units", billionths: 9n } as const]) {
    expect(billOf(usage, reported, {})).toMatchObject({ cost: nanoUsd(0n), counted: undefined });
  }
});

test("a time that the provider measured replaces ours where time is charged", () => {
  const bill = billOf(timed, seconds(500_000_000), perSecond);
  expect(bill).toEqual({
    usage: { ...timed, measured: { computeNanoseconds: 500_000_000 } },
    cost: nanoUsd(500_000n),
    counted: nanoUsd(2_000_000n),
  });
  const byToken = billOf(usage, seconds(500_000_000), tokens);
  expect(byToken).toMatchObject({ cost: nanoUsd(20n), counted: undefined });
});

test("units are multiplied by the price's one unit, and ignored where it has several", () => {
  const images = { ...noUsage, measured: { images: 1 } };
  const perImage = { image: per(25_000_000n * 1_000_000n) };
  const two: Reported = { kind: "units", billionths: 2_000_000_000n };
  expect(billOf(images, two, perImage)).toMatchObject({
    cost: nanoUsd(50_000_000n),
    counted: nanoUsd(25_000_000n),
  });
  expect(billOf(usage, two, tokens)).toMatchObject({ cost: nanoUsd(20n), counted: undefined });
});

test("a cost beyond all reason is cut to what a ledger holds", () => {
  expect(billOf(usage, cost(10n ** 30n), tokens).cost).toBe(COST_NANO_USD_MAX);
});
