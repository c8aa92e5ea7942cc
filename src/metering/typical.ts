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
import { DRAWS } from "./asked.js";
import { HEARS } from "./task-usage.js";

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
const ONE = {
  videoNanoseconds: 5 * SECOND,
  audioNanoseconds: 60 * SECOND,
  characters: 500,
};

type Tokens = readonly [input: number, output: number];

/** Tokens in and out: a screenful of text or ten passages of it, an image and a sentence about it. */
const TOKENS: Partial<Record<Task, Tokens>> = {
  conversational: [500, TYPICAL_OUTPUT_TOKENS],
  "text-generation": [500, TYPICAL_OUTPUT_TOKENS],
  "image-to-text": [1_500, 100],
  "text-ranking": [2_000, 0],
  summarization: [500, 100],
  translation: [500, 500],
};
/** Of whatever else reads text. */
const A_SCREENFUL: Tokens = [500, 0];
/** What is drawn after a sentence, by the picture: as OpenAI's models do it in medium quality, from general knowledge. */
const A_PICTURE: Tokens = [50, 1_056];
/** Of sound, and of what is said in it, by the second. */
const A_SECOND_HEARD: Tokens = [20, 3];
/** How long these take depends on how much they write. */
const PACED: readonly Task[] = ["conversational", "text-generation", "image-to-text"];

/** One call of a task: what is said, and for the rest what such a call is assumed to use. */
export function typicalUsage(task: Task, assumed: Assumed): Usage {
  const images = assumed.measured.images ?? 1;
  const known = {
    ...ONE,
    images,
    pixels: images * PIXELS_AN_IMAGE,
    steps: images * STEPS_AN_IMAGE,
    ...assumed.measured,
  };
  const [input, output] = tokensOf(task, known);
  const written = assumed.outputTokens ?? (PACED.includes(task) ? output : 0);
  const measured = { ...computeTime(secondsOf(written) * 1_000), ...known };
  return {
    ...noUsage,
    inputTokens: assumed.inputTokens ?? input,
    outputTokens: assumed.outputTokens ?? output,
    measured,
  };
}

function tokensOf(task: Task, { images, audioNanoseconds }: typeof ONE & { images: number }) {
  if (DRAWS.includes(task)) return times(A_PICTURE, images);
  if (HEARS.includes(task)) return times(A_SECOND_HEARD, Math.ceil(audioNanoseconds / SECOND));
  return TOKENS[task] ?? A_SCREENFUL;
}

const times = ([input, output]: Tokens, count: number): Tokens => [input * count, output * count];

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
