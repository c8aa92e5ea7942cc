import { type NanoUsd, nanoUsd } from "../kernel/money.js";

/**
 * What one request used, as the provider counted it. Whole numbers. The subsets are part of their totals:
 * `cachedInputTokens` and `cacheWriteTokens` of `inputTokens`, `reasoningTokens` of `outputTokens`.
 */
export type Usage = {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  /** Input that was written to a cache, where the provider says so. */
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  /** All that is no token. Most chat has none of it. */
  readonly measured?: Measured;
  /** True where we counted with a tokenizer because the provider sent no count. */
  readonly estimated: boolean;
};

/**
 * What a request used besides tokens. Each is counted in something small enough to be whole, so that 1.772222068
 * seconds are exact and no float ever meets a price: a megapixel is a million pixels, a second a billion nanoseconds.
 */
export const MEASURES = [
  "images",
  "pixels",
  "steps",
  "videoNanoseconds",
  "audioNanoseconds",
  "characters",
  "computeNanoseconds",
] as const;

export type Measure = (typeof MEASURES)[number];
export type Measured = { readonly [M in Measure]?: number };
/** Of many requests together, which may be more than a number holds exactly. */
export type MeasuredSums = { readonly [M in Measure]?: number | bigint };

export const noUsage: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  estimated: false,
};

/** The most a request can use: upper bounds, all choices together. */
export type UsageBound = {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly measured?: Measured;
};

export const NANOSECONDS_PER_MS = 1_000_000;

/** The compute time of `ms`, which may have fractions; never less than it was. */
export const computeTime = (ms: number): Measured => ({
  computeNanoseconds: Math.ceil(ms * NANOSECONDS_PER_MS),
});

/**
 * What a price can be quoted in. Tokens of text are quoted per million, `million_characters` is one million
 * characters, everything else is quoted per single unit.
 */
export const TOKEN_UNITS = ["input", "cached_input", "cache_write", "output", "reasoning"] as const;
export const OTHER_UNITS = [
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

export type TokenUnit = (typeof TOKEN_UNITS)[number];
export type OtherUnit = (typeof OTHER_UNITS)[number];
export type Unit = TokenUnit | OtherUnit;

/** Of what, and of how much of it, one unit of a price is made. */
export const MADE_OF: Readonly<
  Record<Exclude<OtherUnit, "request">, { readonly measure: Measure; readonly count: bigint }>
> = {
  image: { measure: "images", count: 1n },
  megapixel: { measure: "pixels", count: 1_000_000n },
  step: { measure: "steps", count: 1n },
  video_second: { measure: "videoNanoseconds", count: 1_000_000_000n },
  audio_second: { measure: "audioNanoseconds", count: 1_000_000_000n },
  audio_minute: { measure: "audioNanoseconds", count: 60_000_000_000n },
  million_characters: { measure: "characters", count: 1_000_000n },
  compute_second: { measure: "computeNanoseconds", count: 1_000_000_000n },
};

/** What a provider itself says of a request, beside its count of tokens. */
export type Reported =
  /** What it charges. */
  | { readonly kind: "cost"; readonly cost: NanoUsd }
  /** What it measured, to be multiplied by the price. */
  | { readonly kind: "measured"; readonly measured: Measured }
  /** Billionths of whatever unit the price is quoted in. */
  | { readonly kind: "units"; readonly billionths: bigint };

/** Of two requests that are charged as one. */
export const sumOfUsages = (a: Usage, b: Usage): Usage => ({
  inputTokens: a.inputTokens + b.inputTokens,
  cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
  cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  ...((a.measured ?? b.measured) && { measured: sumOfMeasured(a.measured, b.measured) }),
  estimated: a.estimated || b.estimated,
});

function sumOfMeasured(a: Measured = {}, b: Measured = {}): Measured {
  const counts = MEASURES.map(
    (measure) => [measure, (a[measure] ?? 0) + (b[measure] ?? 0)] as const,
  );
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

/** Undefined where one of two says nothing, or something of another kind: then our own count stands. */
export function sumOfReported(
  a: Reported | undefined,
  b: Reported | undefined,
): Reported | undefined {
  if (a?.kind === "cost" && b?.kind === "cost") {
    return { kind: "cost", cost: nanoUsd(a.cost + b.cost) };
  }
  if (a?.kind === "units" && b?.kind === "units") {
    return { kind: "units", billionths: a.billionths + b.billionths };
  }
  if (a?.kind === "measured" && b?.kind === "measured") {
    return { kind: "measured", measured: sumOfMeasured(a.measured, b.measured) };
  }
  return undefined;
}
