import { isObject, isString, type Json } from "../json.js";
import { hashOf } from "../random.js";
import { hardwareOf } from "./models.js";
import type { Given } from "./pipeline.js";

type Computed = {
  readonly seconds: number;
  readonly headers: { readonly [name: string]: string };
};

const BASE_SECONDS = 0.02;
const SECONDS_PER_CHARACTER = 0.0005;
const SECONDS_PER_BYTE = 0.000_000_4;

/** What the answer's headers say of the work: made from the size of what was given, so that it repeats. */
export function computed(given: Given, task: string, audioSeconds: number | undefined): Computed {
  const { inputs, bytes, ask } = given;
  const characters = charactersIn(inputs);
  const size = bytes?.length ?? (characters > TEXT_MAX ? characters : 0);
  const text = size > 0 ? 0 : characters;
  const worked = BASE_SECONDS + text * SECONDS_PER_CHARACTER + size * SECONDS_PER_BYTE;
  const seconds = Math.round((worked + (audioSeconds ?? 0) * 0.05) * 1000) / 1000;
  return {
    seconds,
    headers: {
      "x-compute-type": hardwareOf(task),
      "x-compute-time": seconds.toFixed(3),
      // What is no text is said to have -1 characters.
      "x-compute-characters": bytes ? "-1" : String(characters),
      ...(audioSeconds === undefined ? {} : { "x-compute-audio-length": audioSeconds.toFixed(2) }),
      "x-sha": shaOf(ask.model),
      "x-robots-tag": "none",
      "x-powered-by": "huggingface-moon",
    },
  };
}

/** Base64 of a file is longer than any text that a pipeline takes. */
const TEXT_MAX = 20_000;

function charactersIn(value: Json | undefined): number {
  if (isString(value)) return value.length;
  if (Array.isArray(value)) return value.reduce((sum, one) => sum + charactersIn(one), 0);
  return isObject(value) ? charactersIn(Object.values(value).map((one) => one ?? null)) : 0;
}

/** The commit of a model: 40 digits that stay the same. */
const shaOf = (model: string): string =>
  [0, 1, 2, 3, 4].map((part) => hashOf(`${part} ${model}`).toString(16).padStart(8, "0")).join("");
