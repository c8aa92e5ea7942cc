import type { Failure } from "../failure.js";
import { isObject, isString, type Json, type JsonObject } from "../json.js";
import { probeInput, readInput } from "../media/input.js";
import {
  dataUri,
  link,
  type Media,
  makeFilm,
  makePicture,
  makeSound,
  speechSeconds,
} from "../media/make.js";
import type { Size } from "../media/picture.js";
import type { TaskAsk } from "../task/ask.js";
import { draw, sizeOfInput } from "../task/draw.js";
import { filmLengthIn, heard, seedIn, textAt } from "../task/read.js";
import { workSeconds } from "../task/worked.js";
import type { Units } from "../units.js";

/** What an app made of its input, or why it did not. */
export type Made = { readonly output: JsonObject; readonly units: Units };
type Failed = { readonly failure: Failure };

const failed = (about: string, message: string): Failed => ({
  failure: { kind: "bad_request", about, message },
});

const SIZES: { readonly [name: string]: Size } = {
  square_hd: { width: 1024, height: 1024 },
  square: { width: 512, height: 512 },
  portrait_4_3: { width: 768, height: 1024 },
  portrait_16_9: { width: 576, height: 1024 },
  landscape_4_3: { width: 1024, height: 768 },
  landscape_16_9: { width: 1024, height: 576 },
};
const LANDSCAPE: Size = { width: 1024, height: 768 };
const FILM: Size = { width: 848, height: 480 };
const FILM_SIZES: { readonly [resolution: string]: Size } = {
  "480p": FILM,
  "720p": { width: 1280, height: 720 },
  "1080p": { width: 1920, height: 1080 },
};
const SECONDS = 5;
const MUSIC_SECONDS = 10;
const MEGAPIXEL = 1_000_000;

const BAD_IMAGE =
  "Failed to load the image. Please ensure the image file is not corrupted and is in a supported format.";
const BAD_AUDIO = "Failed to load the audio. Please ensure the audio file is not corrupted.";
export const BAD_DATA_URL = "Unsupported data URL";

/** Types that fal's decoder of data URIs knows an extension for. It is told the type and does not look. */
const AUDIO_TYPES = ["audio/mpeg", "audio/x-wav", "video/webm", "video/mp4", "audio/x-aiff"];

/** Runs an app: one task, told by the caller. */
export function run(ask: TaskAsk, task: string): Made | Failed {
  switch (task) {
    case "text-to-image":
    case "image-to-image":
    case "image-text-to-image":
      return pictures(ask, task);
    case "text-to-video":
    case "image-to-video":
    case "image-text-to-video":
      return film(ask, task);
    case "image-segmentation":
      return mask(ask);
    case "automatic-speech-recognition":
      return transcript(ask);
    case "audio-to-audio":
      return cleaned(ask);
    case "text-to-audio":
      return music(ask);
    default:
      return speech(ask);
  }
}

const file = (ask: TaskAsk, media: Media, name: string): JsonObject => ({
  url: ask.json.sync_mode === true ? dataUri(media) : link(ask, media, name),
  content_type: media.type,
  file_name: `${name}.${media.extension}`,
  file_size: media.bytes.length,
});

/** fal bills begun megapixels, picture by picture. */
const begun = ({ width, height }: Size): number =>
  Math.ceil((width * height) / MEGAPIXEL) * MEGAPIXEL;

const work = (units: Units): Units => ({ ...units, computeSeconds: workSeconds(units) });

function pictures(ask: TaskAsk, task: string): Made | Failed {
  const { json } = ask;
  if (!isString(json.prompt)) return failed("prompt", "field required");
  const given = json.image_url ?? (Array.isArray(json.image_urls) ? json.image_urls[0] : undefined);
  if (task === "image-to-image" && given === undefined)
    return failed("image_url", "field required");
  const input = given === undefined ? LANDSCAPE : sizeOfInput(ask, given, LANDSCAPE);
  if (!input) return failed("image_url", BAD_IMAGE);
  const named = isString(json.image_size) ? SIZES[json.image_size] : undefined;
  const format = json.output_format === "png" ? "png" : "jpeg";
  const drawn = draw(ask, json, { size: named ?? input, format });
  if ("refused" in drawn) return failed("image_size", drawn.refused.message ?? "");
  const { size, prompt } = drawn;
  const count = drawn.pictures.length;
  const units = work({ ...drawn.units, pixels: count * begun(size) });
  return {
    output: {
      images: drawn.pictures.map((one, i) => ({ ...file(ask, one, `image-${i}`), ...size })),
      timings: { inference: workSeconds(units) },
      seed: seedIn(ask, json),
      has_nsfw_concepts: Array.from({ length: count }, () => false),
      prompt,
    },
    units,
  };
}

function film(ask: TaskAsk, task: string): Made | Failed {
  const { json } = ask;
  const size = FILM_SIZES[textAt(json, "resolution") ?? ""] ?? FILM;
  if (task === "image-to-video" && json.image_url === undefined) {
    return failed("image_url", "field required");
  }
  if (json.image_url === undefined && !isString(json.prompt)) {
    return failed("prompt", "field required");
  }
  if (json.image_url !== undefined && !sizeOfInput(ask, json.image_url, size)) {
    return failed("image_url", BAD_IMAGE);
  }
  const made = makeFilm(ask, size, filmLengthIn(json, SECONDS));
  const units = work({ videoSeconds: made.seconds });
  return { output: { video: file(ask, made, "output"), seed: seedIn(ask, json) }, units };
}

function mask(ask: TaskAsk): Made | Failed {
  if (ask.json.image_url === undefined) return failed("image_url", "field required");
  const size = sizeOfInput(ask, ask.json.image_url, LANDSCAPE);
  if (!size) return failed("image_url", BAD_IMAGE);
  const made = makePicture(ask, size, "png");
  const { width, height } = size;
  return {
    output: { image: { ...file(ask, made, "mask"), width, height } },
    units: work({ images: 1, pixels: begun(size) }),
  };
}

/** The length of the recording in `audio_url`. One that is only linked to is taken to be four seconds. */
function listen(ask: TaskAsk): number | Failed {
  const { audio_url: url } = ask.json;
  if (!isString(url)) return failed("audio_url", "field required");
  const type = /^data:([^;,]*)/.exec(url)?.[1];
  if (type !== undefined && !AUDIO_TYPES.includes(type)) return failed("audio_url", BAD_DATA_URL);
  const input = readInput(ask, url);
  const probed = input && probeInput(input);
  if (probed === "unseen") return 4;
  return probed?.kind === "sound" ? probed.seconds : failed("audio_url", BAD_AUDIO);
}

function transcript(ask: TaskAsk): Made | Failed {
  const seconds = listen(ask);
  if (isObject(seconds)) return seconds;
  const text = heard(ask, seconds);
  return {
    output: {
      text,
      chunks: [{ timestamp: [0, seconds], text, speaker: null }],
      inferred_languages: ["en"],
      diarization_segments: [],
    },
    units: work({ audioSeconds: seconds }),
  };
}

const sounding = (ask: TaskAsk, name: string, wanted: number, more: Units = {}): Made => {
  const made = makeSound(ask, wanted, "wav");
  const output: Json = file(ask, made, "output");
  return { output: { [name]: output }, units: work({ ...more, audioSeconds: made.seconds }) };
};

function cleaned(ask: TaskAsk): Made | Failed {
  const seconds = listen(ask);
  return isObject(seconds) ? seconds : sounding(ask, "audio", seconds);
}

function music(ask: TaskAsk): Made | Failed {
  const { json } = ask;
  if (!isString(json.prompt)) return failed("prompt", "field required");
  const seconds = Number(json.seconds_total ?? json.duration ?? MUSIC_SECONDS);
  if (!(seconds > 0)) return failed("seconds_total", "ensure this value is greater than 0");
  // Stable Audio names its file otherwise than the newer ones.
  const name = /stable-audio/.test(ask.model) ? "audio_file" : "audio";
  return sounding(ask, name, seconds);
}

function speech(ask: TaskAsk): Made | Failed {
  const text = ask.json.text ?? ask.json.prompt;
  if (!isString(text)) return failed("text", "field required");
  return sounding(ask, "audio", speechSeconds(text), { characters: text.length });
}
