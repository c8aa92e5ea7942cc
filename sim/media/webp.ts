import { ascii, type Bytes, concat, noise } from "./bytes.js";
import type { Picture } from "./picture.js";
import { riffChunk } from "./riff.js";

/** Lossless WebP of one colour: each channel's code has one symbol, so that pixels take no bits at all. */
export function webp({ width, height, seed, from, bytesMin }: Picture): Bytes {
  const [red, green, blue] = from;
  const bits = lowBitsFirst();
  bits.put(0x2f, 8);
  bits.put(width - 1, 14);
  bits.put(height - 1, 14);
  // No alpha in use, version 0; no transform, no colour cache, one set of codes.
  bits.put(0, 1 + 3 + 1 + 1 + 1);
  for (const symbol of [green, red, blue, 255, 0]) {
    // A simple code, of one symbol, of eight bits.
    bits.put(0b101, 3);
    bits.put(symbol, 8);
  }
  const picture = riffChunk("VP8L", bits.end());
  const missing = bytesMin - picture.length - 20;
  const extra = missing > 0 ? riffChunk("siMp", noise(missing, seed)) : new Uint8Array(0);
  return riffChunk("RIFF", concat(ascii("WEBP"), picture, extra));
}

function lowBitsFirst() {
  const made: number[] = [];
  let count = 0;
  return {
    put(value: number, bits: number) {
      for (let i = 0; i < bits; i += 1) {
        if (count % 8 === 0) made.push(0);
        made.push((made.pop() ?? 0) | (((value >>> i) & 1) << (count % 8)));
        count += 1;
      }
    },
    end: (): Bytes => Uint8Array.from(made),
  };
}
