import { ascii, type Bytes, concat, l16, l32, noise } from "./bytes.js";
import { riffChunk } from "./riff.js";
import type { Sound } from "./sound.js";

/** 16-bit mono samples of a sine, little-endian, without a header. */
export function pcm({ seconds, rate, pitch }: Sound): Bytes {
  const count = Math.round(seconds * rate);
  const samples = new Int16Array(count);
  const step = (2 * Math.PI * pitch) / rate;
  for (let i = 0; i < count; i += 1) samples[i] = Math.round(8_000 * Math.sin(i * step));
  return new Uint8Array(samples.buffer);
}

export function wav(sound: Sound): Bytes {
  const { rate, bytesMin, seed } = sound;
  const format = concat(l16(1), l16(1), l32(rate), l32(rate * 2), l16(2), l16(16));
  const data = concat(ascii("WAVE"), riffChunk("fmt ", format), riffChunk("data", pcm(sound)));
  const missing = bytesMin - data.length - 16;
  const extra = missing > 0 ? riffChunk("siMp", noise(missing, seed)) : new Uint8Array(0);
  return riffChunk("RIFF", concat(data, extra));
}
