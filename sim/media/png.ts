import { crc32, deflateSync } from "node:zlib";
import { ascii, type Bytes, concat, noise, u8, u32 } from "./bytes.js";
import type { Picture } from "./picture.js";

export const SIGNATURE = u8(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

export function chunk(type: string, data: Uint8Array): Bytes {
  const body = concat(ascii(type), data);
  return concat(u32(data.length), body, u32(crc32(body)));
}

/** A gradient from top to bottom in 256 colours: one byte a pixel, rows of one colour. */
export function png({ width, height, seed, from, to, bytesMin }: Picture): Bytes {
  const header = concat(u32(width), u32(height), u8(8, 3, 0, 0, 0));
  const palette = Uint8Array.from({ length: 768 }, (_, i) => {
    const [start = 0, end = 0] = [from[i % 3], to[i % 3]];
    return Math.round(start + ((end - start) * Math.floor(i / 3)) / 255);
  });
  const rows = new Uint8Array((width + 1) * height);
  for (let y = 0; y < height; y += 1) {
    const at = y * (width + 1);
    rows.fill(Math.floor((y * 256) / height), at + 1, at + width + 1);
  }
  const before = concat(SIGNATURE, chunk("IHDR", header), chunk("PLTE", palette));
  const after = concat(chunk("IDAT", deflateSync(rows, { level: 1 })), chunk("IEND", u8()));
  const missing = bytesMin - before.length - after.length - CHUNK_BYTES;
  // Lower-case letters mark a chunk that readers may skip.
  return missing > 0
    ? concat(before, chunk("siMp", noise(missing, seed)), after)
    : concat(before, after);
}

const CHUNK_BYTES = 12;
