/** USD per million tokens as decimal text, e.g. "0.18". */
export type PriceText = {
  readonly input: string;
  readonly output: string;
  readonly cached_input?: string;
};

/** Nano-USD per million tokens. */
export type Price = { readonly input: bigint; readonly output: bigint; readonly cached: bigint };

export type Counts = {
  readonly prompt: number;
  readonly cached: number;
  readonly completion: number;
};

const MILLION = 1_000_000n;

/** Reads decimal text exactly; throws RangeError on more than nine decimals or anything not a number. */
export function nanoUsdOf(text: string): bigint {
  const found = /^(\d+)(?:\.(\d{1,9}))?$/.exec(text);
  if (!found) throw new RangeError(`not a price in USD: ${text}`);
  return BigInt(found[1] ?? "0") * 1_000_000_000n + BigInt((found[2] ?? "").padEnd(9, "0"));
}

export const readPrice = (text: PriceText): Price => ({
  input: nanoUsdOf(text.input),
  output: nanoUsdOf(text.output),
  cached: nanoUsdOf(text.cached_input ?? text.input),
});

/** What the provider charges, in nano-USD: lines summed first, then rounded up once. */
export function costOf(counts: Counts, price: Price): bigint {
  const fresh = BigInt(counts.prompt - counts.cached);
  const sum =
    fresh * price.input +
    BigInt(counts.cached) * price.cached +
    BigInt(counts.completion) * price.output;
  return (sum + MILLION - 1n) / MILLION;
}
