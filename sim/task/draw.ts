import { isString, type JsonObject } from "../json.js";
import type { PictureFormat } from "../media/draw-picture.js";
import { probeInput, readInput } from "../media/input.js";
import { type Media, makePicture } from "../media/make.js";
import type { Size } from "../media/picture.js";
import type { Units } from "../units.js";
import { badRequest, type Refused } from "./answer.js";
import type { TaskAsk } from "./ask.js";
import { numberAt, sizeIn } from "./read.js";

/** Pictures made for a request, and what they count as. */
export type Drawn = {
  readonly prompt: string;
  readonly size: Size;
  readonly pictures: readonly Media[];
  readonly units: Units;
};

export type DrawingHabits = {
  readonly size: Size;
  readonly format: PictureFormat;
  /** Pictures without being told what of, as for background removal. */
  readonly promptless?: boolean;
};

const COUNT_MAX = 10;
const STEPS = 28;

/** Draws what the fields ask for; the names are those that the providers share. */
export function draw(ask: TaskAsk, from: JsonObject, habits: DrawingHabits): Drawn | Refused {
  const { prompt = habits.promptless ? "" : undefined } = from;
  if (!isString(prompt)) return badRequest("prompt", "prompt is required");
  const size = sizeIn(from, habits.size);
  if (!size) return badRequest("size", "width and height must be whole numbers from 1 to 4096");
  const count = Number(from.n ?? from.num_images ?? from.num_outputs ?? 1);
  if (!Number.isInteger(count) || count < 1 || count > COUNT_MAX) {
    return badRequest("n", `n must be from 1 to ${COUNT_MAX}`);
  }
  const steps = numberAt(from, "steps") ?? numberAt(from, "num_inference_steps") ?? STEPS;
  return {
    prompt,
    size,
    pictures: Array.from({ length: count }, () => makePicture(ask, size, habits.format)),
    units: { images: count, pixels: count * size.width * size.height, steps: count * steps },
  };
}

/** The size of a picture that the caller sent, the usual one where it is only linked to. */
export function sizeOfInput(ask: TaskAsk, value: unknown, usual: Size): Size | undefined {
  const input = readInput(ask, value);
  const probed = input && probeInput(input);
  if (probed === "unseen") return usual;
  return probed?.kind === "image" ? { width: probed.width, height: probed.height } : undefined;
}
