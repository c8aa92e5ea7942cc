import { boundedMap } from "../bounded.js";
import {
  MADE_MEDIA_BYTES_MAX,
  MADE_MEDIA_MAX,
  MEDIA_BYTES_MAX,
  MEDIA_SECONDS_MAX,
} from "../limits.js";
import { below, randomFrom } from "../random.js";
import type { TaskAsk } from "../task/ask.js";
import { publish } from "../task/publish.js";
import { type Bytes, noise } from "./bytes.js";
import { drawPicture, PICTURE_TYPES, type PictureFormat } from "./draw-picture.js";
import { filmSeconds, mp4 } from "./mp4.js";
import type { Size } from "./picture.js";
import { playSound, SOUND_TYPES, type SoundFormat, soundSeconds } from "./play-sound.js";

/** A file as a provider would deliver it. */
export type Media = {
  readonly bytes: Bytes;
  readonly type: string;
  readonly extension: string;
};

export type Timed = Media & { readonly seconds: number };

export function makePicture(ask: TaskAsk, size: Size, wanted: PictureFormat): Media {
  const format = ask.dials.image_format ?? wanted;
  const bytes = made(ask, `${format} ${size.width}x${size.height}`, (seed, bytesMin) =>
    drawPicture(format, size, randomFrom(seed), bytesMin),
  );
  return { bytes, type: PICTURE_TYPES[format], extension: format === "jpeg" ? "jpg" : format };
}

export function makeFilm(ask: TaskAsk, size: Size, wanted: number): Timed {
  const seconds = filmSeconds(lengthOf(ask, wanted));
  const bytes = made(ask, `mp4 ${size.width}x${size.height} ${seconds}`, (seed, bytesMin) => {
    const still = drawPicture("jpeg", size, randomFrom(seed), 0);
    return mp4({ ...size, seconds, seed, still, bytesMin });
  });
  return { bytes, type: "video/mp4", extension: "mp4", seconds };
}

export function makeSound(ask: TaskAsk, wanted: number, format: SoundFormat): Timed {
  const seconds = soundSeconds(lengthOf(ask, wanted));
  const bytes = made(ask, `${format} ${seconds}`, (seed, bytesMin) =>
    playSound(format, seconds, randomFrom(seed), bytesMin),
  );
  return { bytes, type: SOUND_TYPES[format], extension: format, seconds };
}

const lengthOf = ({ dials }: TaskAsk, wanted: number): number =>
  Math.min(dials.media_seconds ?? wanted, MEDIA_SECONDS_MAX);

/** How long it takes to say a text: about 170 words a minute. */
export const speechSeconds = (text: string): number => text.length * 0.06;

const kept = boundedMap<Bytes>(
  { entries: MADE_MEDIA_MAX, bytes: MADE_MEDIA_BYTES_MAX },
  (bytes) => bytes.length,
);

/** Load tests ask for the same thing again and again, so what was made last is kept. */
function made(ask: TaskAsk, what: string, make: (seed: number, bytesMin: number) => Bytes): Bytes {
  const seed = below(ask.random, 2 ** 30);
  const bytesMin = Math.min(ask.dials.media_bytes ?? 0, MEDIA_BYTES_MAX);
  const key = `${what} ${seed} ${bytesMin}`;
  let bytes = kept.get(key);
  if (!bytes) {
    bytes = make(seed, bytesMin);
    kept.set(key, bytes);
  }
  return spoilt(bytes, ask.dials.media);
}

function spoilt(bytes: Bytes, fault: TaskAsk["dials"]["media"]): Bytes {
  if (fault === "truncated") return bytes.slice(0, bytes.length >> 1);
  if (fault === "garbage") return noise(bytes.length, 7);
  return fault === "empty" ? new Uint8Array(0) : bytes;
}

export const base64 = ({ bytes }: Media): string => Buffer.from(bytes).toString("base64");

export const dataUri = (media: Media): string => `data:${media.type};base64,${base64(media)}`;

/** Puts a file where its URL finds it. */
export const link = (ask: TaskAsk, media: Media, name: string): string =>
  publish(ask, media, `${name}.${media.extension}`);
