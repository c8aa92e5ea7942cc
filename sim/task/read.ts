import { isObject, isString, type JsonObject } from "../json.js";
import type { Size } from "../media/picture.js";
import { prose, textOf } from "../tokens.js";
import type { TaskAsk } from "./ask.js";

export const numberAt = (from: JsonObject, name: string): number | undefined => {
  const value = from[name];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
};

export const textAt = (from: JsonObject, name: string): string | undefined => {
  const value = from[name];
  return isString(value) ? value : undefined;
};

/** Sides that a request may ask for; above them every provider refuses. */
const SIDE_MAX = 4_096;
const isSide = (value: number): boolean =>
  Number.isInteger(value) && value >= 1 && value <= SIDE_MAX;

/**
 * The size a request asks for, as `width` and `height`, `"WxH"` or `"W*H"` in `size`, or an object in
 * `target_size` or `image_size`. Undefined where it is no size at all.
 */
export function sizeIn(from: JsonObject, usual: Size): Size | undefined {
  const object = [from.target_size, from.image_size].find(isObject) ?? from;
  const named = /^(\d+)[x*](\d+)$/.exec(textAt(from, "size") ?? "");
  const width = named ? Number(named[1]) : (numberAt(object, "width") ?? usual.width);
  const height = named ? Number(named[2]) : (numberAt(object, "height") ?? usual.height);
  return isSide(width) && isSide(height) ? { width, height } : undefined;
}

const FRAMES_PER_SECOND = 24;

/** The length of film a request asks for. */
export const filmLengthIn = (from: JsonObject, usual: number): number => {
  const seconds = Number(from.seconds ?? from.duration ?? Number.NaN);
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  const frames = numberAt(from, "num_frames");
  return frames === undefined ? usual : frames / (numberAt(from, "fps") ?? FRAMES_PER_SECOND);
};

/** What is heard in a recording: about two and a half words a second. */
export const heard = (ask: TaskAsk, seconds: number): string =>
  textOf(prose(ask.random, Math.max(2, Math.min(500, Math.round(seconds * 2.5))), false));

/** A seed as providers print the one they took. */
export const seedIn = (ask: TaskAsk, from: JsonObject): number =>
  numberAt(from, "seed") ?? Math.floor(ask.random() * 2 ** 32);
