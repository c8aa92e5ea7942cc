/** What a call costs at one mapping, by what such calls cost here before, or else by what is assumed of it. */
import type { Mapping } from "../catalog/model.js";
import { printPrice } from "../catalog/quote.js";
import { HISTORY_CALLS_MIN } from "../kernel/limits.js";
import { type NanoUsd, nanoUsd, ZERO } from "../kernel/money.js";
import type { Usage } from "../tasks/usage.js";
import { printMeasured } from "../wire/usage.js";
import { type CallCosts, type CostClass, callCosts } from "./call-costs.js";
import { costOf } from "./cost.js";
import { priceFault } from "./priceable.js";
import { type Assumed, chargedPart, typicalUsage } from "./typical.js";

/** What the two common credits buy: that of the free plan, and that of the others. */
const CREDITS = { "0.10": nanoUsd(100_000_000n), "2.00": nanoUsd(2_000_000_000n) } as const;

export type Forecast = {
  readonly mapping: Mapping;
  /** Why nobody can be charged for it, in a few words. */
  readonly fault: string | undefined;
  readonly expected: NanoUsd;
  readonly basis: "history" | "assumptions" | "free";
  readonly history: CallCosts | undefined;
  /** What the cost was reckoned with, as far as the price charges it. */
  readonly assumed: Assumed;
};

/** `isFree` where the caller's own key is used, or the mapping costs nothing. */
export function forecast(
  mapping: Mapping,
  assumed: Assumed,
  { classes, isFree }: { readonly classes: readonly CostClass[]; readonly isFree: boolean },
): Forecast {
  const price = mapping.price ?? {};
  const fault = isFree ? undefined : priceFault(mapping.task, mapping.price);
  const usage = typicalUsage(mapping.task, assumed);
  // Somebody who says what a call uses asks about that call, and not about others.
  const isSaid = saysAnything(assumed);
  const history = callCosts(classes, HISTORY_CALLS_MIN);
  const base = { mapping, fault, history, assumed: chargedPart(usage, price) };
  if (isFree) return { ...base, expected: ZERO, basis: "free" };
  if (history && !isSaid) return { ...base, expected: history.p50, basis: "history" };
  return { ...base, expected: expectedCost(usage, mapping, fault), basis: "assumptions" };
}

const saysAnything = ({ inputTokens, outputTokens, measured }: Assumed): boolean =>
  inputTokens !== undefined || outputTokens !== undefined || Object.keys(measured).length > 0;

const expectedCost = (usage: Usage, { price }: Mapping, fault: string | undefined): NanoUsd =>
  fault === undefined && price ? costOf(usage, price) : ZERO;

/** A forecast as people and programs read it. */
export const printForecast = ({ mapping, fault, expected, basis, history, assumed }: Forecast) => ({
  provider: mapping.provider,
  price: printPrice(mapping.price ?? {}),
  price_source: mapping.source,
  is_free: mapping.isFree,
  expected_cost_nano_usd: fault === undefined ? String(expected) : null,
  basis,
  ...printHistory(history),
  calls: fault === undefined ? printCalls(expected) : null,
  assumes: {
    ...(assumed.inputTokens !== undefined && { input_tokens: String(assumed.inputTokens) }),
    ...(assumed.outputTokens !== undefined && { output_tokens: String(assumed.outputTokens) }),
    ...printMeasured(assumed.measured),
  },
});

/** How many calls of a cost an amount buys; null for any number of them. */
export const callsFor = (amount: NanoUsd, cost: NanoUsd): string | null =>
  cost === 0n ? null : String(amount / cost);

/** What `CREDITS` buy. */
export const printCalls = (cost: NanoUsd): Record<string, string | null> =>
  Object.fromEntries(
    Object.entries(CREDITS).map(([dollars, amount]) => [dollars, callsFor(amount, cost)]),
  );

/** Costs of earlier calls of the mapping here, in nano-USD as text; null where there were too few. */
export const printHistory = (history: CallCosts | undefined) => ({
  p50_cost_nano_usd: history ? String(history.p50) : null,
  p95_cost_nano_usd: history ? String(history.p95) : null,
  history_calls: history?.calls ?? 0,
});
