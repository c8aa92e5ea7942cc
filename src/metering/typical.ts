/** What a call is assumed to use where nobody said: stated wherever an estimate rests on it. */
import type { Price } from "../catalog/model.js";
import { TYPICAL_OUTPUT_TOKENS, TYPICAL_TOKENS_PER_SECOND } from "../kernel/limits.js";
import type { Task } from "../tasks/index.js";
import {
  computeTime,
  MADE_OF,
  type Measured,
  noUsage,
  TOKEN_UNITS,
  type Usage,
} from "../tasks/usage.js";

/** What somebody says a call uses; the rest is assumed. */
export type Assumed = {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly measured: Measured;
};

const SECOND = 1_000_000_000;
const PIXELS_AN_IMAGE = 1024 * 1024;
const STEPS_AN_IMAGE = 28;
const SECONDS_OF_COMPUTE = 10;

/** One of whatever a task is about. */
const ONE: Measured = {
  videoNanoseconds: 5 * SECOND,
  audioNanoseconds: 60 * SECOND,
  characters: 500,
};

/** Tokens in and out, where a task has any: a screenful of text, or an image and a sentence about it. */
const TOKENS: Partial<Record<Task, readonly [input: number, output: number]>> = {
  conversational: [500, TYPICAL_OUTPUT_TOKENS],
  "text-generation": [500, TYPICAL_OUTPUT_TOKENS],
  "feature-extraction": [500, 0],
  "image-to-text": [1_500, 100],
};

/** One call of a task: what is said, and for the rest what such a call is assumed to use. */
export function typicalUsage(task: Task, assumed: Assumed): Usage {
  const [input, output] = TOKENS[task] ?? [0, 0];
  const outputTokens = assumed.outputTokens ?? output;
  const images = assumed.measured.images ?? 1;
  const measured = {
    ...ONE,
    images,
    pixels: images * PIXELS_AN_IMAGE,
    steps: images * STEPS_AN_IMAGE,
    ...computeTime(secondsOf(outputTokens) * 1_000),
    ...assumed.measured,
  };
  return { ...noUsage, inputTokens: assumed.inputTokens ?? input, outputTokens, measured };
}

const secondsOf = (outputTokens: number): number =>
  outputTokens === 0 ? SECONDS_OF_COMPUTE : outputTokens / TYPICAL_TOKENS_PER_SECOND;

/** Of a usage, only what a price charges. */
export function chargedPart(usage: Usage, price: Price): Assumed {
  const isCharged = (...units: readonly (keyof Price)[]) =>
    units.some((unit) => price[unit] !== undefined);
  const measures = Object.entries(MADE_OF).flatMap(([unit, { measure }]) =>
    isCharged(unit as keyof Price) ? [[measure, usage.measured?.[measure] ?? 0]] : [],
  );
  const isText = isCharged(...TOKEN_UNITS);
  return {
    ...(isText && { inputTokens: usage.inputTokens, outputTokens: usage.outputTokens }),
    measured: Object.fromEntries(measures),
  };
}
