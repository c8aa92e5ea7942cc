import { nanoUsdOf } from "./money.js";

/** What a task delivered, as the provider itself counts it. Seconds may have fractions. */
export type Units = {
  readonly promptTokens?: number;
  /** Of the prompt's. */
  readonly cachedTokens?: number;
  readonly completionTokens?: number;
  readonly images?: number;
  readonly pixels?: number;
  readonly steps?: number;
  readonly videoSeconds?: number;
  readonly audioSeconds?: number;
  readonly characters?: number;
  readonly computeSeconds?: number;
  /** One when absent. */
  readonly requests?: number;
};

/** USD as decimal text: per million tokens, characters or pixels, else per one of the unit. */
export type UnitPriceText = { readonly [unit in PriceUnit]?: string } & {
  /** What a `compute_second` runs on. */
  readonly hardware?: string;
};

export const PRICE_UNITS = [
  "input",
  "output",
  "cached_input",
  "image",
  "megapixel",
  "step",
  "video_second",
  "audio_second",
  "audio_minute",
  "million_characters",
  "request",
  "compute_second",
] as const;

export type PriceUnit = (typeof PRICE_UNITS)[number];

const MILLION = 1_000_000n;
const NANO = 1_000_000_000n;
/** Every line of a cost is a whole number of these parts of a nano-USD. */
const PARTS = 60n * NANO;

const millionths = (count = 0): bigint => BigInt(count) * (PARTS / MILLION);
const seconds = (count = 0): bigint => BigInt(Math.round(count * 1e9)) * 60n;
const ones = (count = 0): bigint => BigInt(count) * PARTS;

const LINES: { readonly [unit in PriceUnit]: (units: Units) => bigint } = {
  input: (units) => millionths((units.promptTokens ?? 0) - (units.cachedTokens ?? 0)),
  output: (units) => millionths(units.completionTokens),
  cached_input: (units) => millionths(units.cachedTokens),
  image: (units) => ones(units.images),
  megapixel: (units) => millionths(units.pixels),
  step: (units) => ones(units.steps),
  video_second: (units) => seconds(units.videoSeconds),
  audio_second: (units) => seconds(units.audioSeconds),
  audio_minute: (units) => seconds(units.audioSeconds) / 60n,
  million_characters: (units) => millionths(units.characters),
  request: (units) => ones(units.requests ?? 1),
  compute_second: (units) => seconds(units.computeSeconds),
};

/** What the provider charges, in nano-USD: lines summed first, then rounded up once. */
export function costOfUnits(units: Units, price: UnitPriceText): bigint {
  let sum = 0n;
  for (const unit of PRICE_UNITS) {
    const text = price[unit] ?? (unit === "cached_input" ? price.input : undefined);
    if (text !== undefined) sum += LINES[unit](units) * nanoUsdOf(text);
  }
  return (sum + PARTS - 1n) / PARTS;
}
