import type { Price } from "../catalog/model.js";
import { type NanoUsd, nanoUsd } from "../kernel/money.js";
import type { Usage } from "../tasks/usage.js";

const MILLION = 1_000_000n;

/**
 * The cost of one chat request. `usage` in whole tokens as the provider counted them, `price` in nano-USD per
 * million; summed, then rounded up once. A cached or reasoning token is charged at its own price where there is
 * one, else as input or output, and never twice. Throws RangeError on a fractional count.
 */
export function costOf(usage: Usage, price: Price): NanoUsd {
  const input = price.input ?? 0n;
  const output = price.output ?? 0n;
  const millionths =
    BigInt(usage.inputTokens - usage.cachedInputTokens) * input +
    BigInt(usage.cachedInputTokens) * (price.cached_input ?? input) +
    BigInt(usage.outputTokens - usage.reasoningTokens) * output +
    BigInt(usage.reasoningTokens) * (price.reasoning ?? output) +
    (price.request ?? 0n);
  return roundUp(millionths);
}

/** The most a request can use: upper bounds in tokens, all choices together. */
export type UsageBound = { readonly inputTokens: number; readonly outputTokens: number };

/** The most a request within `bound` can cost, whatever part of it is cached or reasoning. */
export function mostCost(bound: UsageBound, price: Price): NanoUsd {
  return roundUp(
    BigInt(bound.inputTokens) * dearestInput(price) +
      BigInt(bound.outputTokens) * dearestOutput(price) +
      (price.request ?? 0n),
  );
}

/** How many output tokens `funds` cover beside `inputTokens` of input; 0 when not even the input fits. */
export function outputTokensWithin(funds: NanoUsd, inputTokens: number, price: Price): number {
  const left = funds * MILLION - BigInt(inputTokens) * dearestInput(price) - (price.request ?? 0n);
  if (left < 0n) return 0;
  const each = dearestOutput(price);
  if (each === 0n) return Number.MAX_SAFE_INTEGER;
  const tokens = left / each;
  return tokens > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(tokens);
}

/** Whether chat at this price can be metered: it names what a token costs, and nothing that chat cannot count. */
export function isChatPrice(price: Price): boolean {
  const units = Object.keys(price);
  return (
    units.some((unit) => unit === "input" || unit === "output" || unit === "request") &&
    units.every((unit) => CHAT_UNITS.has(unit))
  );
}

const CHAT_UNITS: ReadonlySet<string> = new Set([
  "input",
  "cached_input",
  "output",
  "reasoning",
  "request",
]);

const dearestInput = (price: Price): bigint =>
  greatest(price.input ?? 0n, price.cached_input ?? 0n);
const dearestOutput = (price: Price): bigint => greatest(price.output ?? 0n, price.reasoning ?? 0n);
const greatest = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const roundUp = (millionths: bigint): NanoUsd => nanoUsd((millionths + MILLION - 1n) / MILLION);
