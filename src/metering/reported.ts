/** Our own count of a request, and what its provider said: who wins, and what was thought before. */
import type { Price } from "../catalog/model.js";
import { COST_NANO_USD_MAX } from "../kernel/limits.js";
import { least, type NanoUsd } from "../kernel/money.js";
import { MEASURES, type Measured, type Reported, type Usage } from "../tasks/usage.js";
import { charges, costOf, costOfUnits } from "./cost.js";

export type Bill = {
  readonly usage: Usage;
  readonly cost: NanoUsd;
  /** What our own count would have cost, where the cost is the provider's; undefined where it is ours. */
  readonly counted: NanoUsd | undefined;
};

/**
 * What a request is charged. The provider's word wins over our own count, but only about what the price charges: an
 * own key or a free mapping has a price with nothing in it, and costs nothing whatever the provider says.
 */
export function billOf(usage: Usage, reported: Reported | undefined, price: Price): Bill {
  const counted = costOf(usage, price);
  const own: Bill = { usage, cost: counted, counted: undefined };
  if (!reported || Object.keys(price).length === 0) return own;
  if (reported.kind === "measured") return remeasured(own, reported.measured, price);
  const cost =
    reported.kind === "cost"
      ? least(reported.cost, COST_NANO_USD_MAX)
      : costOfUnits(reported.billionths, price);
  return cost === undefined ? own : { usage, cost, counted };
}

function remeasured(own: Bill, measured: Measured, price: Price): Bill {
  const usage = { ...own.usage, measured: { ...own.usage.measured, ...measured } };
  const isCharged = MEASURES.some((each) => measured[each] !== undefined && charges(price, each));
  return isCharged ? { usage, cost: costOf(usage, price), counted: own.cost } : { ...own, usage };
}
