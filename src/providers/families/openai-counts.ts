import { NANOSECONDS_PER_MS, noUsage, type Usage } from "../../tasks/usage.js";
import { at } from "../reply.js";

/** What OpenAI's models of pictures and sounds count: tokens by other names than chat's, or seconds of sound. */
export function countedTokens(json: unknown): Usage | undefined {
  const usage = at(json, "usage");
  const inputTokens = count(at(usage, "input_tokens"));
  const outputTokens = count(at(usage, "output_tokens"));
  if (inputTokens === undefined || outputTokens === undefined) return countedTime(usage);
  return { ...noUsage, inputTokens, outputTokens };
}

function countedTime(usage: unknown): Usage | undefined {
  const seconds = at(usage, "seconds");
  if (typeof seconds !== "number" || !(seconds >= 0)) return undefined;
  const audioNanoseconds = Math.ceil(seconds * MS_PER_SECOND * NANOSECONDS_PER_MS);
  return Number.isSafeInteger(audioNanoseconds)
    ? { ...noUsage, measured: { audioNanoseconds } }
    : undefined;
}

const MS_PER_SECOND = 1_000;

const count = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
