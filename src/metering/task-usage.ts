/** What a call of a task can use at the most, and what it did use, in the measures that prices are made of. */
import type { Price } from "../catalog/model.js";
import {
  ANIMATION_MS_MOST,
  AUDIO_TOKENS_PER_SECOND_MOST,
  DRAWN_TOKENS_MOST,
  IMAGE_PIXELS_MOST,
  IMAGE_STEPS_MOST,
  IMAGE_TOKENS_MAX,
  SPEECH_MS_PER_CHARACTER_MOST,
  TASK_OUTPUT_TOKENS_MOST,
} from "../kernel/limits.js";
import type { Task } from "../tasks/index.js";
import {
  computeTime,
  MEASURES,
  type Measure,
  type Measured,
  NANOSECONDS_PER_MS,
  type UsageBound,
} from "../tasks/usage.js";
import { charges } from "./cost.js";

/** What a call says of itself before anybody answers it. Undefined where it does not say. */
export type Asked = {
  /** Of all its text. */
  readonly characters: number;
  /** No tokenizer makes more tokens of the text than it has bytes. */
  readonly textBytes: number;
  readonly outputTokens: number | undefined;
  /** Whether a picture was sent. */
  readonly hasImage: boolean;
  /** Pictures wanted. */
  readonly images: number;
  /** Of each picture wanted. */
  readonly pixels: number | undefined;
  readonly steps: number | undefined;
  readonly videoMs: number | undefined;
  /** How long the sound is that was sent. */
  readonly audioMs: number | undefined;
};

/** Of a call that nobody remembers: what was delivered has to say all. */
export const NOTHING_ASKED: Asked = {
  characters: 0,
  textBytes: 0,
  outputTokens: undefined,
  hasImage: false,
  images: 0,
  pixels: undefined,
  steps: undefined,
  videoMs: undefined,
  audioMs: undefined,
};

/** What came back, looked at. */
export type Looked = {
  readonly images: number;
  readonly pixels: number | undefined;
  readonly videoMs: number | undefined;
  readonly audioMs: number | undefined;
};

export const HEARS: readonly Task[] = [
  "automatic-speech-recognition",
  "audio-to-audio",
  "audio-classification",
];

/** Only the text of these is long when it comes back. */
const WRITES: readonly Task[] = [
  "text-generation",
  "summarization",
  "translation",
  "image-to-text",
];

/** `computeMs` where the price charges time. */
export function taskBound(task: Task, asked: Asked, computeMs: number | undefined): UsageBound {
  const audioMs = HEARS.includes(task)
    ? (asked.audioMs ?? 0)
    : Math.max(1_000, asked.characters * SPEECH_MS_PER_CHARACTER_MOST);
  const measured: Measured = {
    images: asked.images,
    pixels: asked.images * (asked.pixels ?? IMAGE_PIXELS_MOST),
    steps: asked.images * (asked.steps ?? IMAGE_STEPS_MOST),
    videoNanoseconds: nanoseconds(asked.videoMs ?? ANIMATION_MS_MOST),
    audioNanoseconds: nanoseconds(audioMs),
    characters: asked.characters,
    ...(computeMs !== undefined && computeTime(computeMs)),
  };
  return {
    inputTokens: inputTokensMost(task, asked),
    outputTokens: outputTokensMost(task, asked),
    measured,
  };
}

/** A picture that was sent counts as what the largest counts in chat, a sound by its length. */
function inputTokensMost(task: Task, { textBytes, hasImage, audioMs }: Asked): number {
  const ofImage = hasImage ? IMAGE_TOKENS_MAX : 0;
  const ofSound = HEARS.includes(task) ? secondsOf(audioMs) * AUDIO_TOKENS_PER_SECOND_MOST : 0;
  return textBytes + ofImage + ofSound;
}

function outputTokensMost(task: Task, { outputTokens, images, audioMs }: Asked): number {
  if (WRITES.includes(task)) return outputTokens ?? TASK_OUTPUT_TOKENS_MOST;
  if (HEARS.includes(task)) {
    return TASK_OUTPUT_TOKENS_MOST + secondsOf(audioMs) * AUDIO_TOKENS_PER_SECOND_MOST;
  }
  return images * DRAWN_TOKENS_MOST;
}

const secondsOf = (ms = 0): number => Math.ceil(ms / 1_000);

/**
 * What was delivered counts; where nobody can see it, like the steps of a picture, what was asked for. What a price
 * charges is never left open: what nobody knows of is as much as was held for.
 */
export function taskMeasured(
  task: Task,
  asked: Asked,
  looked: Looked,
  isCharged: (measure: Measure) => boolean,
): Measured {
  const images = looked.images === 0 ? asked.images : looked.images;
  const audioMs = HEARS.includes(task) ? asked.audioMs : looked.audioMs;
  const most = taskBound(task, asked, undefined).measured;
  const known: { -readonly [M in Measure]?: number | undefined } = {
    images,
    pixels: looked.pixels ?? times(images, asked.pixels),
    steps: times(images, asked.steps),
    videoNanoseconds: nanoseconds(looked.videoMs ?? asked.videoMs),
    audioNanoseconds: nanoseconds(audioMs),
    characters: asked.characters,
  };
  const measured: { [M in Measure]?: number } = {};
  for (const measure of MEASURES) {
    const count = known[measure] ?? (isCharged(measure) ? most?.[measure] : undefined);
    if (count !== undefined && (count > 0 || isCharged(measure))) measured[measure] = count;
  }
  return measured;
}

/** Whether a price needs somebody to look into what was delivered. */
export const chargesLooks = (price: Price): boolean =>
  charges(price, "pixels") ||
  charges(price, "videoNanoseconds") ||
  charges(price, "audioNanoseconds");

/** Whether a price charges tokens, which somebody must count. */
export const chargesTokens = (price: Price): boolean =>
  price.input !== undefined || price.output !== undefined;

/** Whether a price charges the length of a sound that is not here: it may be of any length, and free by accident. */
export const isOfUnknownLength = (task: Task, { audioMs }: Asked, price: Price): boolean =>
  HEARS.includes(task) &&
  audioMs === undefined &&
  (charges(price, "audioNanoseconds") || chargesTokens(price));

const times = (count: number, each: number | undefined): number | undefined =>
  each === undefined ? undefined : count * each;

function nanoseconds(ms: number): number;
function nanoseconds(ms: number | undefined): number | undefined;
function nanoseconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.ceil(ms * NANOSECONDS_PER_MS);
}
