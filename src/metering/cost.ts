/**
 * Usage times price. Everything is summed exactly, in a fraction of a nano-USD that every unit divides, and rounded
 * up once.
 */
import type { Price } from "../catalog/model.js";
import { COST_NANO_USD_MAX } from "../kernel/limits.js";
import { least, type NanoUsd, nanoUsd } from "../kernel/money.js";
import {
  MADE_OF,
  type Measure,
  type Measured,
  type Usage,
  type UsageBound,
} from "../tasks/usage.js";
import { tokenCost, tokenCostMost } from "./token-cost.js";

/** Prices are per million. */
const MILLION = 1_000_000n;
/** What all of `MADE_OF` divide. */
export const FINEST = 60_000_000_000n;

/**
 * The cost of one request. `usage` in whole counts as the provider gave them, `price` in nano-USD per million. A
 * cached, cache-written or reasoning token is charged at its own price where there is one, else as input or output,
 * and never twice. Throws RangeError on a fractional or negative count, and where the price charges what the usage
 * does not say: nothing is free by accident.
 */
export function costOf(usage: Usage, price: Price): NanoUsd {
  return tokenCost(usage, price) ?? exactCost(usage, price);
}

function exactCost(usage: Usage, price: Price): NanoUsd {
  const tokens = tokenLines(usage, price) + (price.request ?? 0n);
  const measured = measuredLines(usage.measured, price);
  return measured === undefined
    ? roundUp(tokens, MILLION)
    : roundUp(tokens * FINEST + measured, MILLION * FINEST);
}

/**
 * The most a request within `bound` can cost, whatever part of it is cached, written to a cache or reasoning. Throws
 * RangeError where the price charges what nobody bounded.
 */
export function mostCost(bound: UsageBound, price: Price): NanoUsd {
  return tokenCostMost(bound, price) ?? exactMost(bound, price);
}

function exactMost(bound: UsageBound, price: Price): NanoUsd {
  for (const unit in price) {
    if (isMeasured(unit) && bound.measured?.[MADE_OF[unit].measure] === undefined) {
      throw new RangeError(`the price is per ${unit}, which has no bound`);
    }
  }
  return roundUp(boundLines(bound, price) + requestLine(price), MILLION * FINEST);
}

/** The most that `bound` adds to a request that is under way. */
export const addedCost = (bound: UsageBound, price: Price): NanoUsd =>
  roundUp(boundLines(bound, price), MILLION * FINEST);

/**
 * How many times `each` fits into `funds` beside what is `fixed`: tokens of output, images with their pixels and
 * steps, milliseconds of compute. 0 when not even the fixed part fits, and without end where `each` costs nothing.
 */
export function timesWithin(
  funds: NanoUsd,
  fixed: UsageBound,
  each: UsageBound,
  price: Price,
): number {
  const left = funds * MILLION * FINEST - boundLines(fixed, price) - requestLine(price);
  return times(left, boundLines(each, price));
}

/** How many times more `each` fits into `funds`, for a request that is under way. */
export const moreWithin = (funds: NanoUsd, each: UsageBound, price: Price): number =>
  times(funds * MILLION * FINEST, boundLines(each, price));

function times(left: bigint, each: bigint): number {
  if (left < 0n) return 0;
  if (each === 0n) return Number.MAX_SAFE_INTEGER;
  return Math.min(Number(left / each), Number.MAX_SAFE_INTEGER);
}

/** The cost of some billionths of the one unit that a price charges; undefined where it charges several. */
export function costOfUnits(billionths: bigint, price: Price): NanoUsd | undefined {
  const [only, ...others] = Object.values(price);
  if (only === undefined || others.length > 0) return undefined;
  return roundUp(billionths * only, MILLION * 1_000_000_000n);
}

/** Whether a price charges something that is made of `measure`. */
export function charges(price: Price, measure: Measure): boolean {
  for (const unit in price) if (isMeasured(unit) && MADE_OF[unit].measure === measure) return true;
  return false;
}

function tokenLines(usage: Usage, price: Price): bigint {
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage;
  const freshTokens = inputTokens - cachedInputTokens - cacheWriteTokens;
  const answerTokens = outputTokens - reasoningTokens;
  if (freshTokens < 0 || answerTokens < 0) throw new RangeError("parts are more than the whole");
  const input = price.input ?? 0n;
  const output = price.output ?? 0n;
  return (
    BigInt(freshTokens) * input +
    BigInt(cachedInputTokens) * (price.cached_input ?? input) +
    BigInt(cacheWriteTokens) * (price.cache_write ?? input) +
    BigInt(answerTokens) * output +
    BigInt(reasoningTokens) * (price.reasoning ?? output)
  );
}

/** Undefined where the price charges nothing but tokens and requests, which is nearly always. */
function measuredLines(measured: Measured | undefined, price: Price): bigint | undefined {
  let sum: bigint | undefined;
  for (const unit in price) {
    if (!isMeasured(unit)) continue;
    const { measure, count } = MADE_OF[unit];
    const amount = measured?.[measure];
    if (amount === undefined)
      throw new RangeError(`the price is per ${unit}, which nobody counted`);
    if (amount < 0) throw new RangeError(`a negative count: ${measure}`);
    sum = (sum ?? 0n) + BigInt(amount) * (price[unit] ?? 0n) * (FINEST / count);
  }
  return sum;
}

function boundLines({ inputTokens, outputTokens, measured }: UsageBound, price: Price): bigint {
  const input = greatest(price.input, price.cached_input, price.cache_write);
  const output = greatest(price.output, price.reasoning);
  let sum = (BigInt(inputTokens) * input + BigInt(outputTokens) * output) * FINEST;
  for (const unit in price) {
    if (!isMeasured(unit)) continue;
    const { measure, count } = MADE_OF[unit];
    sum += BigInt(measured?.[measure] ?? 0) * (price[unit] ?? 0n) * (FINEST / count);
  }
  return sum;
}

const requestLine = (price: Price): bigint => (price.request ?? 0n) * FINEST;

const isMeasured = (unit: string): unit is keyof typeof MADE_OF => unit in MADE_OF;

function greatest(...prices: readonly (bigint | undefined)[]): bigint {
  let most = 0n;
  for (const each of prices) if (each !== undefined && each > most) most = each;
  return most;
}

/** What nobody can mean must not overflow a 64-bit column later. */
const roundUp = (amount: bigint, divisor: bigint): NanoUsd =>
  least(nanoUsd((amount + divisor - 1n) / divisor), COST_NANO_USD_MAX);
