import { printDecimal } from "../kernel/decimal.js";
import { MEASURES, type Measure, type MeasuredSums, type Usage } from "../tasks/usage.js";

/** An OpenAI-shaped `usage` object for counts of our own. */
export const printUsage = (usage: Usage): string =>
  JSON.stringify({
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    ...(usage.estimated && { estimated: true }),
  });

/** What is no token, as decimal text in the units that prices are quoted in. */
export const printMeasured = (measured: MeasuredSums): Record<string, string> =>
  Object.fromEntries(
    MEASURES.flatMap((measure) => {
      const amount = measured[measure];
      const { name, decimals } = WRITTEN[measure];
      return amount === undefined ? [] : [[name, printDecimal(BigInt(amount), decimals)]];
    }),
  );

export const WRITTEN: Readonly<
  Record<Measure, { readonly name: string; readonly decimals: number }>
> = {
  images: { name: "images", decimals: 0 },
  pixels: { name: "megapixels", decimals: 6 },
  steps: { name: "steps", decimals: 0 },
  videoNanoseconds: { name: "video_seconds", decimals: 9 },
  audioNanoseconds: { name: "audio_seconds", decimals: 9 },
  characters: { name: "characters", decimals: 0 },
  computeNanoseconds: { name: "compute_seconds", decimals: 9 },
};
