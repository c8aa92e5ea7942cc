/** Decimal numbers as others write them, made whole without passing through a float. */

const DECIMAL = /^(\d{1,40})(?:\.(\d{0,40}))?(?:[eE]([+-]?\d{1,3}))?$/;
/** Beyond this many digits nothing here is a count or a cost. */
const DIGITS_MAX = 40;

/**
 * Reads a number of zero or more ("22.899515643", "1.23e-7") as a whole number of units of 10^-`decimals`; what lies
 * below such a unit is rounded up. Undefined for a sign, for anything else that is no number, and for one of more
 * than 40 digits.
 */
export function ceilDecimal(text: string, decimals: number): bigint | undefined {
  const match = DECIMAL.exec(text.trim());
  if (!match) return undefined;
  const [, whole = "", fraction = "", exponent = "0"] = match;
  const digits = BigInt(whole + fraction);
  if (digits === 0n) return 0n;
  const shift = Number(exponent) - fraction.length + decimals;
  if (shift > DIGITS_MAX) return undefined;
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  // So small that any digits at all come to one unit.
  if (-shift > 2 * DIGITS_MAX) return 1n;
  const divisor = 10n ** BigInt(-shift);
  return (digits + divisor - 1n) / divisor;
}

/** The same for a number out of JSON, which prints with the digits it was written with. */
export const ceilNumber = (value: unknown, decimals: number): bigint | undefined =>
  typeof value === "number" ? ceilDecimal(String(value), decimals) : undefined;

/** A whole number of units of 10^-`decimals` as decimal text without needless zeros: "1.5", "0.000001", "3". */
export function printDecimal(amount: bigint, decimals: number): string {
  const digits = amount.toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
  return fraction === "" ? whole : `${whole}.${fraction}`;
}
