/** What a request may cost, to the digit that comparing mappings takes. Nobody is ever charged by it. */
import type { Price } from "../catalog/model.js";
import { MADE_OF, type Measure, type Usage } from "../tasks/usage.js";

/** Nano-USD for one of each, as floats. */
type Rates = {
  readonly input: number;
  readonly output: number;
  readonly request: number;
  readonly measured: readonly { readonly measure: Measure; readonly each: number }[];
};

/** Made once for each price: whoever compares twenty mappings has no time for twenty exact sums. */
const known = new WeakMap<Price, Rates>();

/** In nano-USD. What the price charges and the usage does not say counts as nothing. */
export function roughCost({ inputTokens, outputTokens, measured }: Usage, price: Price): number {
  const rates = ratesOf(price);
  let cost = rates.request + inputTokens * rates.input + outputTokens * rates.output;
  for (const { measure, each } of rates.measured) cost += (measured?.[measure] ?? 0) * each;
  return cost;
}

function ratesOf(price: Price): Rates {
  let rates = known.get(price);
  if (!rates) {
    rates = {
      input: Number(price.input ?? 0n) / 1e6,
      output: Number(price.output ?? 0n) / 1e6,
      request: Number(price.request ?? 0n) / 1e6,
      measured: Object.entries(MADE_OF).flatMap(([unit, { measure, count }]) => {
        const each = price[unit as keyof typeof MADE_OF];
        return each === undefined ? [] : { measure, each: Number(each) / 1e6 / Number(count) };
      }),
    };
    known.set(price, rates);
  }
  return rates;
}
