/**
 * CRC-32 as zlib has it, of bytes where they stand, and in steps. Bun's own wants all of them at once and cut out, which
 * is the faster way for many.
 */

/** Reversed, as zip, gzip and PNG have it. */
const POLYNOMIAL = 0xedb88320;
const BYTE = 256;
/** Of the bytes from `start` to before `end`, after others whose checksum is `before`; a whole number below 2 ** 32. */
export function crc32(bytes: Uint8Array, start: number, end: number, before = 0): number {
  let crc = ~before;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const first = crc ^ byteAt(bytes, at);
    const second = (crc >>> 8) ^ byteAt(bytes, at + 1);
    const third = (crc >>> 16) ^ byteAt(bytes, at + 2);
    const last = (crc >>> 24) ^ byteAt(bytes, at + 3);
    crc = entry(FIRST, first) ^ entry(SECOND, second) ^ entry(THIRD, third) ^ entry(LAST, last);
  }
  for (; at < end; at++) crc = entry(LAST, crc ^ byteAt(bytes, at)) ^ (crc >>> 8);
  return ~crc >>> 0;
}

const byteAt = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0;
const entry = (table: Int32Array, at: number): number => table[at & (BYTE - 1)] ?? 0;

function tables(): readonly [Int32Array, Int32Array, Int32Array, Int32Array] {
  const last = Int32Array.from({ length: BYTE }, (_, byte) => remainderOf(byte));
  const third = oneFurther(last, last);
  const second = oneFurther(third, last);
  return [last, third, second, oneFurther(second, last)];
}

function remainderOf(byte: number): number {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
}

/** What a byte is worth with one more byte behind it. */
const oneFurther = (table: Int32Array, last: Int32Array): Int32Array =>
  table.map((crc) => entry(last, crc) ^ (crc >>> 8));

/** For the last byte of a group of four, for the one before it, and so on. */
const [LAST, THIRD, SECOND, FIRST] = tables();
