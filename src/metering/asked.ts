/** What a call says of how much it wants, read from its parameters under whichever name they have. */
import type { Task } from "../tasks/index.js";
import type { Json, TaskInput } from "../tasks/task-call.js";
import { noUsage, type Usage } from "../tasks/usage.js";
import { type Asked, taskMeasured } from "./task-usage.js";

/** Pictures come out of these… */
export const DRAWS: readonly Task[] = ["text-to-image", "image-to-image", "image-text-to-image"];
/** …and are looked at by these. */
const LOOKS: readonly Task[] = [
  "image-segmentation",
  "image-to-text",
  "image-classification",
  "object-detection",
  "zero-shot-image-classification",
  "document-question-answering",
  "visual-question-answering",
];

const FRAMES_PER_SECOND = 24;

/** `audioMs` of the sound that was sent, where somebody looked. */
export function askedOf(
  task: Task,
  input: TaskInput,
  count: number,
  audioMs: number | undefined,
): Asked {
  const { extra, parameters } = input;
  const said = { ...extra, ...parameters };
  const text = textIn([input.inputs, parameters, extra]);
  return {
    characters: [...textIn(input.inputs)].length,
    textBytes: Buffer.byteLength(text),
    outputTokens: wholeIn(said, "max_new_tokens", "max_tokens", "max_length"),
    hasImage: (input.media ?? input.upload)?.type.startsWith("image/") ?? false,
    images: imagesOf(task, count),
    pixels: pixelsIn(said),
    steps: wholeIn(said, "num_inference_steps", "steps"),
    videoMs: videoMsIn(said),
    audioMs,
  };
}

/** What such a call should use, as far as it says. */
export function expectedOf(task: Task, asked: Asked): Usage {
  const nothing = { images: 0, pixels: undefined, videoMs: undefined, audioMs: undefined };
  const inputTokens = Math.ceil(asked.characters / 4);
  const outputTokens = asked.outputTokens ?? 0;
  const measured = taskMeasured(task, asked, nothing, () => true);
  return { ...noUsage, inputTokens, outputTokens, measured, estimated: true };
}

/** All text in some JSON, whatever its shape. */
export function textIn(json: unknown): string {
  if (typeof json === "string") return json;
  if (typeof json !== "object" || json === null) return "";
  return Object.values(json).map(textIn).filter(Boolean).join("\n");
}

function imagesOf(task: Task, count: number): number {
  if (DRAWS.includes(task)) return count;
  return LOOKS.includes(task) ? 1 : 0;
}

function numberIn(said: Json, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = said[name];
    if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  }
  return undefined;
}

function wholeIn(said: Json, ...names: readonly string[]): number | undefined {
  const value = numberIn(said, ...names);
  return value === undefined ? undefined : Math.ceil(value);
}

const SIZE = /^(\d{1,5})[x*](\d{1,5})$/i;

function pixelsIn(said: Json): number | undefined {
  for (const size of [said, said.target_size, said.image_size, said.size]) {
    const found = pixelsOfSize(size);
    if (found !== undefined) return found;
  }
  return undefined;
}

function pixelsOfSize(size: unknown): number | undefined {
  if (typeof size === "string") {
    const [, width, height] = SIZE.exec(size) ?? [];
    return width === undefined ? undefined : Number(width) * Number(height);
  }
  if (typeof size !== "object" || size === null) return undefined;
  const [width, height] = [numberIn(size as Json, "width"), numberIn(size as Json, "height")];
  return width === undefined || height === undefined
    ? undefined
    : Math.ceil(width) * Math.ceil(height);
}

/** How long a film is wanted, in milliseconds. */
export function videoMsIn(said: Json): number | undefined {
  const seconds = numberIn(said, "duration", "seconds");
  if (seconds !== undefined) return seconds * 1_000;
  const frames = numberIn(said, "num_frames");
  if (frames === undefined) return undefined;
  return (frames * 1_000) / (numberIn(said, "fps", "frame_rate") || FRAMES_PER_SECOND);
}
