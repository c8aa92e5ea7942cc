/** What a caller does not want from whoever serves a request. Held to, whatever else fails. */
import type { Mapping, Price } from "../catalog/model.js";
import { quoteOf } from "../catalog/quote.js";
import { formatUsd, type PricePerMillion } from "../kernel/money.js";
import type { MaxPrice, RouteControls } from "../tasks/chat-completion.js";
import { TOKEN_UNITS } from "../tasks/usage.js";

/** A mapping as constraints see it. */
export type Offered = {
  readonly mapping: Mapping;
  /** What of the provider is known, where nothing is said of the mapping itself. */
  readonly retainsPrompts: boolean | undefined;
  /** False with the caller's own key, and for what is free. */
  readonly isCharged: boolean;
};

/** Why a mapping may not be used, in a few words; undefined where it may. */
export function constraintFault(
  { deniesDataCollection, maxPrice }: RouteControls,
  { mapping, retainsPrompts, isCharged }: Offered,
): string | undefined {
  if (deniesDataCollection) {
    const retains = mapping.retainsPrompts ?? retainsPrompts;
    if (retains === undefined) return "not known to keep no prompts (data_collection)";
    if (retains) return "keeps prompts (data_collection)";
  }
  if (!maxPrice || !isCharged || !mapping.price) return undefined;
  return priceAbove(maxPrice, mapping.price);
}

const BOUND_UNITS = [
  ["prompt", "input"],
  ["completion", "output"],
  ["request", "request"],
  ["image", "image"],
] as const;

const BOUNDABLE: readonly string[] = [...TOKEN_UNITS, "request", "image"];

/** A price in units that no bound can be given for might come to anything, so it is above any bound. */
function priceAbove(maxPrice: MaxPrice, price: Price): string | undefined {
  for (const [bound, unit] of BOUND_UNITS) {
    const [most, asked] = [maxPrice[bound], price[unit]];
    if (most !== undefined && asked !== undefined && asked > most) {
      return `${unit} costs ${dollars(unit, asked)}, more than max_price.${bound}`;
    }
  }
  for (const unit in price) {
    if (!BOUNDABLE.includes(unit)) return `charges by ${unit}, which max_price cannot bound`;
  }
  return undefined;
}

const dollars = (unit: string, price: PricePerMillion): string =>
  `$${formatUsd(quoteOf(unit, price))}`;
