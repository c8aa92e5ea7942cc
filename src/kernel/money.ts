import { countDigits } from "./byte-writer.js";

declare const unit: unique symbol;

/** A whole number of nano-USD: 1 USD is 1_000_000_000n. */
export type NanoUsd = bigint & { readonly [unit]: "nano-usd" };

export const nanoUsd = (amount: bigint): NanoUsd => amount as NanoUsd;

export const ZERO = nanoUsd(0n);

/** Nano-USD per million units (tokens, images, seconds…), because one token may cost less than a nano-USD. */
export type PricePerMillion = bigint & { readonly [unit]: "nano-usd-per-million" };

const NANO_DIGITS = 9;
const CENT_DIGITS = 2;
/** The largest amount anybody may set or grant: a billion dollars, so that sums of some stay below 2^63. */
export const AMOUNT_MAX = nanoUsd(10n ** 18n);
const DECIMAL = /^(\d{1,12})(?:\.(\d{1,9}))?$/;

/**
 * Reads dollars from decimal text ("0.10", "2", "12.000000001") without passing through a float.
 * Returns undefined for a sign, an exponent, more than 9 decimals or more than 12 whole digits.
 */
export function parseUsd(text: string): NanoUsd | undefined {
  const match = DECIMAL.exec(text);
  if (!match) return undefined;
  const [, whole = "0", fraction = ""] = match;
  return nanoUsd(BigInt(whole + fraction.padEnd(NANO_DIGITS, "0")));
}

/** Reads a price in USD per million units: the same digits, since nano-USD per million is USD per million × 10⁹. */
export const parsePricePerMillion = (text: string): PricePerMillion | undefined =>
  parseUsd(text) as PricePerMillion | undefined;

/** Reads a price in USD per single unit ("0.025" per image). */
export function parsePricePerUnit(text: string): PricePerMillion | undefined {
  const perUnit = parseUsd(text);
  return perUnit === undefined ? undefined : ((perUnit * 1_000_000n) as PricePerMillion);
}

/** As `parseUsd`, for amounts that enter the books: undefined above `AMOUNT_MAX` too. */
export function parseAmount(text: string): NanoUsd | undefined {
  const amount = parseUsd(text);
  return amount === undefined || amount > AMOUNT_MAX ? undefined : amount;
}

/** What `parseAmount` wants, for messages. */
export const AMOUNT_RULE =
  'dollars as decimal text like "5.00": no sign, no exponent, at most 9 decimals, at most 1000000000';

/** All digits. Numbers are printed many times faster than bigints, and nearly all amounts are small enough to be exact as such. */
export const digitsOf = (amount: bigint): string =>
  amount >= 0n && amount <= Number.MAX_SAFE_INTEGER ? String(Number(amount)) : String(amount);

/** Exact decimal dollars with no trailing zeros beyond the second decimal: "0.10", "0.000123". */
export const formatUsd = (amount: bigint): string =>
  amount < 0n ? `-${usdParts(-amount).join("")}` : usdParts(amount).join("");

/**
 * The same in parts: the whole dollars, the point with the zeros behind it, and the other decimals. Of an amount that is
 * not negative.
 */
export function usdParts(amount: bigint): UsdParts {
  if (amount <= Number.MAX_SAFE_INTEGER) {
    const nanos = Number(amount);
    const whole = Math.floor(nanos / NANOS_PER_USD);
    return partsOf(whole, nanos - whole * NANOS_PER_USD);
  }
  const nanosPerUsd = BigInt(NANOS_PER_USD);
  return partsOf(Number(amount / nanosPerUsd), Number(amount % nanosPerUsd));
}

type UsdParts = readonly [whole: number, point: string, rest: number];

function partsOf(whole: number, nanos: number): UsdParts {
  let rest = nanos;
  let places = NANO_DIGITS;
  for (; places > CENT_DIGITS && rest % 10 === 0; places--) rest /= 10;
  return [whole, POINTS[places - countDigits(rest)] ?? "", rest];
}

const NANOS_PER_USD = 10 ** NANO_DIGITS;
const POINTS = [".", ".0", ".00", ".000", ".0000", ".00000", ".000000", ".0000000", ".00000000"];

/** As our own API tells an amount that need not be there. */
export const printAmountOrNull = (amount: NanoUsd | undefined): string | null =>
  amount === undefined ? null : String(amount);

export const least = (a: NanoUsd, b: NanoUsd): NanoUsd => (a < b ? a : b);
