/** Prices as they are stored: text that holds every digit, the same for equal prices. */
import type { Price } from "./model.js";

/** Units in one order. JSON's numbers would lose digits, so they are texts. */
export const printExactPrice = (price: Price): string =>
  JSON.stringify(
    Object.entries(price)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([unit, each]) => [unit, String(each)]),
  );

/** Reads what `printExactPrice` made. `text` comes from our own store, so anything else throws. */
export function parseExactPrice(text: string): Price {
  const entries: readonly (readonly [string, string])[] = JSON.parse(text);
  return Object.fromEntries(entries.map(([unit, each]) => [unit, BigInt(each)]));
}
