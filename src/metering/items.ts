/** A cost taken apart: how much of each unit that a price charges, and what that comes to before rounding. */
import type { Price } from "../catalog/model.js";
import type { PricePerMillion } from "../kernel/money.js";
import { MADE_OF, type OtherUnit, type Unit, type Usage } from "../tasks/usage.js";
import { FINEST } from "./cost.js";

export type Item = {
  readonly unit: Unit;
  /** How much of it, in billionths of the unit. */
  readonly billionths: bigint;
  readonly price: PricePerMillion;
  /** In parts of a nano-USD, of which there are `PARTS`. */
  readonly amount: bigint;
};

/** A million, since prices are per million, times what every unit divides. */
export const PARTS = 1_000_000n * FINEST;
const BILLION = 1_000_000_000n;

/**
 * The lines that `costOf` sums: their amounts, added and rounded up, are the cost. A token that has no price of its
 * own, like a cached one, stands with those whose price it was charged at. What was not used is left out.
 */
export function itemsOf(usage: Usage, price: Price): readonly Item[] {
  const items = [
    ...tokenItems(usage, price),
    ...requestItem(price),
    ...measuredItems(usage, price),
  ];
  return items.filter(({ billionths, amount }) => billionths > 0n || amount > 0n);
}

/** What is added to the items' sum, in the same parts, so that it is a whole number of nano-USD. */
export function roundingOf(items: readonly Item[]): bigint {
  const rest = items.reduce((sum, { amount }) => sum + amount, 0n) % PARTS;
  return rest === 0n ? 0n : PARTS - rest;
}

function tokenItems(usage: Usage, price: Price): Item[] {
  const counts: Partial<Record<Unit, number>> = {};
  const add = (own: Unit, otherwise: Unit, count: number): void => {
    const unit = price[own] === undefined ? otherwise : own;
    counts[unit] = (counts[unit] ?? 0) + count;
  };
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage;
  add("input", "input", inputTokens - cachedInputTokens - cacheWriteTokens);
  add("cached_input", "input", cachedInputTokens);
  add("cache_write", "input", cacheWriteTokens);
  add("output", "output", outputTokens - reasoningTokens);
  add("reasoning", "output", reasoningTokens);
  return Object.entries(counts).flatMap(([unit, count]) =>
    itemOf(unit as Unit, BigInt(count) * BILLION, price),
  );
}

const requestItem = (price: Price): Item[] => itemOf("request", BILLION, price);

function measuredItems({ measured }: Usage, price: Price): Item[] {
  const units = Object.entries(MADE_OF) as [Exclude<OtherUnit, "request">, MadeOf][];
  return units.flatMap(([unit, { measure, count }]) => {
    const each = price[unit];
    if (each === undefined) return [];
    const amount = BigInt(measured?.[measure] ?? 0);
    const exact = amount * each * (FINEST / count);
    return [{ unit, billionths: (amount * BILLION) / count, price: each, amount: exact }];
  });
}

type MadeOf = (typeof MADE_OF)[keyof typeof MADE_OF];

function itemOf(unit: Unit, billionths: bigint, price: Price): Item[] {
  const each = price[unit];
  if (each === undefined) return [];
  return [{ unit, billionths, price: each, amount: (billionths / BILLION) * each * FINEST }];
}
