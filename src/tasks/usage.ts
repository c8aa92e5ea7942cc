/**
 * What one request used, as the provider counted it. Whole numbers. The subsets are part of their totals:
 * `cachedInputTokens` of `inputTokens`, `reasoningTokens` of `outputTokens`.
 */
export type Usage = {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  /** True where we counted with a tokenizer because the provider sent no count. */
  readonly estimated: boolean;
};

export const noUsage: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  estimated: false,
};

/**
 * What a price can be quoted in. Tokens of text are quoted per million, `million_characters` is one million
 * characters, everything else is quoted per single unit.
 */
export const TOKEN_UNITS = ["input", "cached_input", "output", "reasoning"] as const;
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
