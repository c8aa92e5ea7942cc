import { ascii, type Bytes, bitWriter, concat, noise, u8, u24 } from "./bytes.js";
import type { Sound } from "./sound.js";

const BLOCK = 4_096;
const PADDING_BYTES_MAX = 16_000_000;

/**
 * FLAC (RFC 9639) of flat steps, one per block: each frame is a constant, so that a minute is a few
 * kilobytes.
 */
export function flac({ seconds, rate, seed, bytesMin }: Sound): Bytes {
  const total = Math.round(seconds * rate);
  const frames: Bytes[] = [];
  for (let at = 0, n = 0; at < total; at += BLOCK, n += 1) {
    frames.push(frame(n, Math.min(BLOCK, total - at), (n % 2 === 0 ? 1 : -1) * 2_000));
  }
  const info = bitWriter(34);
  info.put(BLOCK, 16);
  info.put(BLOCK, 16);
  // Least and largest frame: not told.
  info.put(0, 24);
  info.put(0, 24);
  info.put(rate, 20);
  info.put(0, 3);
  info.put(15, 5);
  info.put(0, 4);
  info.put(total, 32);
  const blank = new Uint8Array(16);
  const sound = concat(...frames);
  const head = concat(info.end(0), blank);
  const missing = Math.min(bytesMin - sound.length - head.length - 12, PADDING_BYTES_MAX);
  const padding =
    missing > 0 ? concat(u8(0x82), u24(missing + 4), ascii("siMp"), noise(missing, seed)) : u8();
  const last = missing > 0 ? 0 : 0x80;
  return concat(ascii("fLaC"), u8(last), u24(head.length), head, padding, sound);
}

function frame(number: number, samples: number, value: number): Bytes {
  const head = concat(
    // Fixed block size; size in 16 bits at the end of the header, rate as in the stream's header.
    u8(0xff, 0xf8, 0b0111_0000, 0b0000_1000),
    utf8Number(number),
    u8((samples - 1) >>> 8, (samples - 1) & 0xff),
  );
  const body = concat(
    head,
    u8(crc(head, 0x07, 8)),
    // A constant subframe and its value.
    u8(0, (value >> 8) & 0xff, value & 0xff),
  );
  const sum = crc(body, 0x8005, 16);
  return concat(body, u8(sum >>> 8, sum & 0xff));
}

/** FLAC numbers frames the way UTF-8 writes characters. */
const utf8Number = (value: number): Uint8Array =>
  value < 0x80
    ? u8(value)
    : value < 0x800
      ? u8(0xc0 | (value >>> 6), 0x80 | (value & 0x3f))
      : u8(0xe0 | (value >>> 12), 0x80 | ((value >>> 6) & 0x3f), 0x80 | (value & 0x3f));

function crc(bytes: Uint8Array, polynomial: number, bits: number): number {
  const top = 1 << (bits - 1);
  const mask = top * 2 - 1;
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << (bits - 8);
    for (let i = 0; i < 8; i += 1) sum = ((sum << 1) ^ (sum & top ? polynomial : 0)) & mask;
  }
  return sum;
}
