import { below, type Random } from "../random.js";
import type { Bytes } from "./bytes.js";
import { flac } from "./flac.js";
import { mp3 } from "./mp3.js";
import { opus } from "./opus.js";
import type { Sound } from "./sound.js";
import { pcm, wav } from "./wav.js";

export const SOUND_TYPES = {
  wav: "audio/wav",
  mp3: "audio/mpeg",
  flac: "audio/flac",
  opus: "audio/ogg",
  pcm: "audio/pcm",
} as const;

export type SoundFormat = keyof typeof SOUND_TYPES;

const ENCODERS: { readonly [format in SoundFormat]: (sound: Sound) => Bytes } = {
  wav,
  mp3,
  flac,
  opus,
  pcm,
};

const RATE = 24_000;
/** Every format has whole frames or packets in it: MP3's are 24 ms, Opus' 20 ms. */
const GRAIN_SECONDS = 0.12;

/** How long a sound of about so many seconds is, in whatever format. */
export const soundSeconds = (seconds: number): number =>
  Math.round(Math.max(1, Math.round(seconds / GRAIN_SECONDS)) * GRAIN_SECONDS * 1000) / 1000;

export function playSound(
  format: SoundFormat,
  seconds: number,
  random: Random,
  bytesMin: number,
): Bytes {
  const pitch = 220 + below(random, 220);
  const seed = below(random, 1 << 30);
  return ENCODERS[format]({ seconds: soundSeconds(seconds), rate: RATE, pitch, seed, bytesMin });
}
