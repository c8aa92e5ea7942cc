/** The columns that add up what was used. */
import type { Measure } from "../../tasks/usage.js";

/** The column that sums each measure. */
export const MEASURE_COLUMNS = {
  images: "images",
  pixels: "pixels",
  steps: "steps",
  videoNanoseconds: "video_nanoseconds",
  audioNanoseconds: "audio_nanoseconds",
  characters: "characters",
  computeNanoseconds: "compute_nanoseconds",
} as const satisfies Record<Measure, string>;

export const USAGE_SUMS = [
  "requests",
  "failed",
  "input_tokens",
  "cached_input_tokens",
  "output_tokens",
  "reasoning_tokens",
  ...Object.values(MEASURE_COLUMNS),
  "cost",
  "overrun",
] as const;

export type UsageSum = (typeof USAGE_SUMS)[number];
