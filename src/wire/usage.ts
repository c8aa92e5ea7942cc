import { printDecimal } from "../kernel/decimal.js";
import { MEASURES, type Measure, type MeasuredSums, type Usage } from "../tasks/usage.js";
import { asObject } from "./as-object.js";

/**
 * Reads an OpenAI-shaped `usage` object. Undefined when it lacks the two counts that matter. Cached tokens are
 * found where OpenAI, DeepSeek and Cohere's compatibility route put them, cache writes where OpenAI puts them. Providers that count reasoning beside
 * the completion, rather than within it, give themselves away by their total.
 */
export function parseUsage(value: unknown): Usage | undefined {
  const usage = asObject(value);
  if (!usage) return undefined;
  const inputTokens = count(usage.prompt_tokens);
  const completion = count(usage.completion_tokens);
  if (inputTokens === undefined || completion === undefined) return undefined;
  const details = asObject(usage.completion_tokens_details);
  const reasoning = count(details?.reasoning_tokens) ?? count(usage.reasoning_tokens) ?? 0;
  const isBeside =
    reasoning > 0 && count(usage.total_tokens) === inputTokens + completion + reasoning;
  const outputTokens = isBeside ? completion + reasoning : completion;
  const inputDetails = asObject(usage.prompt_tokens_details);
  const cached =
    count(inputDetails?.cached_tokens) ??
    count(usage.prompt_cache_hit_tokens) ??
    count(usage.cached_tokens) ??
    0;
  const cachedInputTokens = Math.min(cached, inputTokens);
  const written = count(inputDetails?.cache_write_tokens) ?? 0;
  return {
    inputTokens,
    cachedInputTokens,
    cacheWriteTokens: Math.min(written, inputTokens - cachedInputTokens),
    outputTokens,
    reasoningTokens: Math.min(reasoning, outputTokens),
    estimated: false,
  };
}

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

/** A count as providers give it: whole and not negative, whatever else they put there is no count. */
const count = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
