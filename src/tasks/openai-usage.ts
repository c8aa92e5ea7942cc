import type { Usage } from "./usage.js";

type Json = Readonly<Record<string, unknown>>;

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

/** A count as providers give it: whole and not negative, whatever else they put there is no count. */
const count = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

const asObject = (value: unknown): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Json)
    : undefined;
