/**
 * The cost of nothing but tokens and requests, in numbers: every chat request is priced twice, and each sum or product
 * of bigints is garbage. Only where numbers are exact: whatever else there is, `cost.ts` computes in bigints.
 */
import type { Price } from "../catalog/model.js";
import { type NanoUsd, nanoUsd } from "../kernel/money.js";
import { MADE_OF, type Usage, type UsageBound } from "../tasks/usage.js";

const MILLION = 1_000_000;

/** In nano-USD per million; the parts of the input and of the output at their own price, or at that of the whole. */
type TokenPrice = {
  readonly input: number;
  readonly cachedInput: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
  readonly request: number;
  /** Whatever part of it the tokens turn out to be. */
  readonly inputMost: number;
  readonly outputMost: number;
};

/** The cost of a usage; undefined where it must be computed, or refused, by `costOf`. */
export function tokenCost(usage: Usage, price: Price): NanoUsd | undefined {
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage;
  const rates = tokenPriceOf(price);
  const freshTokens = inputTokens - cachedInputTokens - cacheWriteTokens;
  const answerTokens = outputTokens - reasoningTokens;
  if (!rates || !isCounted(usage) || freshTokens < 0 || answerTokens < 0) return undefined;
  return roundUp(
    freshTokens * rates.input +
      cachedInputTokens * rates.cachedInput +
      cacheWriteTokens * rates.cacheWrite +
      answerTokens * rates.output +
      reasoningTokens * rates.reasoning +
      rates.request,
  );
}

/** The most that a request within `bound` can cost; undefined where `mostCost` must compute it. */
export function tokenCostMost(bound: UsageBound, price: Price): NanoUsd | undefined {
  const { inputTokens, outputTokens } = bound;
  const rates = tokenPriceOf(price);
  if (!rates || !isCount(inputTokens) || !isCount(outputTokens)) return undefined;
  return roundUp(inputTokens * rates.inputMost + outputTokens * rates.outputMost + rates.request);
}

const isCounted = (usage: Usage): boolean =>
  isCount(usage.inputTokens) &&
  isCount(usage.cachedInputTokens) &&
  isCount(usage.cacheWriteTokens) &&
  isCount(usage.outputTokens) &&
  isCount(usage.reasoningTokens);

const isCount = (amount: number): boolean => Number.isSafeInteger(amount) && amount >= 0;

/** Null where a price charges what is no token, or more than a number holds exactly. */
const tokenPrices = new WeakMap<Price, TokenPrice | null>();

function tokenPriceOf(price: Price): TokenPrice | null {
  let known = tokenPrices.get(price);
  if (known === undefined) {
    known = inNumbers(price);
    tokenPrices.set(price, known);
  }
  return known;
}

function inNumbers(price: Price): TokenPrice | null {
  const amounts = Object.values(price);
  if (amounts.some((each) => each < 0n || each > Number.MAX_SAFE_INTEGER)) return null;
  if (Object.keys(price).some((unit) => unit in MADE_OF)) return null;
  const input = Number(price.input ?? 0n);
  const output = Number(price.output ?? 0n);
  const cachedInput = Number(price.cached_input ?? input);
  const cacheWrite = Number(price.cache_write ?? input);
  const reasoning = Number(price.reasoning ?? output);
  return {
    ...{ input, cachedInput, cacheWrite, output, reasoning },
    request: Number(price.request ?? 0n),
    inputMost: Math.max(input, cachedInput, cacheWrite),
    outputMost: Math.max(output, reasoning),
  };
}

/**
 * Millionths of a nano-USD, rounded up to whole ones. All parts of the sum are whole and none is negative, so as long
 * as it is small enough to be exact, so was every step on the way to it. The remainder is exact, where the quotient of a
 * division would not be.
 */
function roundUp(millionths: number): NanoUsd | undefined {
  if (millionths > Number.MAX_SAFE_INTEGER) return undefined;
  const rest = millionths % MILLION;
  return nanoUsd(BigInt((millionths - rest) / MILLION + (rest > 0 ? 1 : 0)));
}
