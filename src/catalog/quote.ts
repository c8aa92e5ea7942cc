import { formatUsd, type NanoUsd, nanoUsd, type PricePerMillion } from "../kernel/money.js";
import { TOKEN_UNITS } from "../tasks/usage.js";
import type { HardwarePrices } from "./entry.js";
import type { Price } from "./model.js";

const PER_MILLION: ReadonlySet<string> = new Set(TOKEN_UNITS);

/** A price as people write it: dollars per million tokens, but per single image, second or request. */
export const quoteOf = (unit: string, price: PricePerMillion): NanoUsd =>
  nanoUsd(PER_MILLION.has(unit) ? price : price / 1_000_000n);

/** All units of a price as decimal text. */
export const printPrice = (price: Price | HardwarePrices): Record<string, string> =>
  Object.fromEntries(
    Object.entries(price).map(([unit, each]) => [unit, formatUsd(quoteOf(unit, each))]),
  );
