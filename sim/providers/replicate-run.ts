import { isString, type Json, type JsonObject } from "../json.js";
import { probeInput, readInput } from "../media/input.js";
import { link, makeFilm, makeSound, speechSeconds } from "../media/make.js";
import type { Size } from "../media/picture.js";
import type { TaskAsk } from "../task/ask.js";
import { draw, sizeOfInput } from "../task/draw.js";
import { filmLengthIn, heard, textAt } from "../task/read.js";
import type { Units } from "../units.js";

type Made = { readonly output: Json; readonly units: Units };
/** Why the model itself will fail: it looks at its input only when it runs. */
type Failed = { readonly why: string };

const SQUARE: Size = { width: 1024, height: 1024 };
const FILM: Size = { width: 848, height: 480 };
const SECONDS = 5;

export function run(ask: TaskAsk, task: string, input: JsonObject): Made | Failed {
  switch (task) {
    case "text-to-video":
      return film(ask, input);
    case "text-to-speech":
      return speech(ask, input);
    case "automatic-speech-recognition":
      return transcript(ask, input);
    default:
      return pictures(ask, input);
  }
}

/** Where models look for a picture to start from. */
const givenIn = ({
  image,
  input_image: one,
  images,
  input_images: more,
}: JsonObject): Json | undefined => image ?? one ?? [images, more].find(Array.isArray)?.[0];

function pictures(ask: TaskAsk, input: JsonObject): Made | Failed {
  const given = givenIn(input);
  const usual = given === undefined ? SQUARE : sizeOfInput(ask, given, SQUARE);
  if (!usual) return { why: "cannot identify image file" };
  const wanted = textAt(input, "output_format");
  const format = wanted === "jpg" ? "jpeg" : wanted === "webp" ? "webp" : "png";
  const drawn = draw(ask, input, { size: usual, format, promptless: true });
  if ("refused" in drawn) return { why: drawn.refused.message ?? "" };
  return { output: drawn.pictures.map((one, i) => link(ask, one, `out-${i}`)), units: drawn.units };
}

function film(ask: TaskAsk, input: JsonObject): Made {
  const made = makeFilm(ask, FILM, filmLengthIn(input, SECONDS));
  return { output: link(ask, made, "output"), units: { videoSeconds: made.seconds } };
}

function speech(ask: TaskAsk, input: JsonObject): Made {
  const text = isString(input.text) ? input.text : "";
  const made = makeSound(ask, speechSeconds(text), "wav");
  const units = { characters: text.length, audioSeconds: made.seconds };
  return { output: link(ask, made, "output"), units };
}

function transcript(ask: TaskAsk, input: JsonObject): Made | Failed {
  const audio = readInput(ask, input.audio);
  const probed = audio && probeInput(audio);
  const seconds = probed === "unseen" ? 4 : probed?.kind === "sound" ? probed.seconds : undefined;
  if (seconds === undefined) return { why: "Failed to load audio: Invalid data found" };
  const text = heard(ask, seconds);
  return {
    output: {
      transcription: text,
      translation: null,
      segments: [{ id: 0, start: 0, end: seconds, text }],
      detected_language: "english",
      txt_file: null,
      srt_file: null,
    },
    units: { audioSeconds: seconds },
  };
}
