import { ascii, type Bytes, bitWriter, concat, noise, u8, u16 } from "./bytes.js";
import type { Picture } from "./picture.js";

/** Of ITU T.81: a table for the sizes of DC differences (table K.3), and one that knows only "end of block". */
const DC_COUNTS = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const DC_CODES: readonly (readonly [code: number, bits: number])[] = [
  [0b00, 2],
  [0b010, 3],
  [0b011, 3],
  [0b100, 3],
  [0b101, 3],
  [0b110, 3],
  [0b1110, 4],
  [0b11110, 5],
  [0b111110, 6],
  [0b1111110, 7],
];
/** With steps of 8, a block's DC value is its level less 128. */
const STEP = 8;
const COMMENT_BYTES_MAX = 65_000;

const segment = (marker: number, data: Uint8Array): Bytes =>
  concat(u8(0xff, marker), u16(data.length + 2), data);

/** Baseline JPEG of flat 8x8 blocks: a gradient from the upper left to the lower right. */
export function jpeg({ width, height, seed, from, to, bytesMin }: Picture): Bytes {
  const frame = concat(u8(8), u16(height), u16(width), u8(3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0));
  const before = concat(
    u8(0xff, 0xd8),
    segment(0xe0, concat(ascii("JFIF\0"), u8(1, 1, 0, 0, 1, 0, 1, 0, 0))),
    segment(0xdb, concat(u8(0), new Uint8Array(64).fill(STEP))),
    segment(0xc0, frame),
    segment(0xc4, u8(0x00, ...DC_COUNTS, ...DC_CODES.keys(), 10, 11)),
    segment(0xc4, u8(0x10, 1, ...new Array(15).fill(0), 0)),
  );
  const scan = segment(0xda, u8(3, 1, 0, 2, 0, 3, 0, 0, 63, 0));
  const after = concat(scan, stuffed(blocks(width, height, ycc(from), ycc(to))), u8(0xff, 0xd9));
  return concat(before, ...comments(bytesMin - before.length - after.length, seed), after);
}

type Colour = readonly [number, number, number];

const ycc = ([r, g, b]: Colour): Colour => [
  0.299 * r + 0.587 * g + 0.114 * b,
  128 - 0.1687 * r - 0.3313 * g + 0.5 * b,
  128 + 0.5 * r - 0.4187 * g - 0.0813 * b,
];

function blocks(width: number, height: number, from: Colour, to: Colour): Bytes {
  const across = Math.ceil(width / 8);
  const down = Math.ceil(height / 8);
  const bits = bitWriter(across * down * 8 + 64);
  const last = [0, 0, 0];
  for (let y = 0; y < down; y += 1) {
    for (let x = 0; x < across; x += 1) {
      const part = (x + y) / Math.max(1, across + down - 2);
      for (let c = 0; c < 3; c += 1) {
        const [start = 0, end = 0] = [from[c], to[c]];
        const level = Math.round(start + (end - start) * part) - 128;
        putDifference(bits, level - (last[c] ?? 0));
        last[c] = level;
        bits.put(0, 1);
      }
    }
  }
  return bits.end(1);
}

function putDifference(bits: ReturnType<typeof bitWriter>, difference: number): void {
  const size = difference === 0 ? 0 : Math.floor(Math.log2(Math.abs(difference))) + 1;
  const [code, length] = DC_CODES[size] ?? [0, 0];
  bits.put(code, length);
  // A negative one is written as what it would be added to.
  if (size > 0) bits.put(difference > 0 ? difference : difference + (1 << size) - 1, size);
}

/** A byte of ones inside the scan is followed by a zero, so that it is not taken for a marker. */
function stuffed(scan: Bytes): Bytes {
  const made = new Uint8Array(scan.length * 2);
  let at = 0;
  for (const byte of scan) {
    made[at] = byte;
    at += byte === 0xff ? 2 : 1;
  }
  return made.slice(0, at);
}

function comments(missing: number, seed: number): Bytes[] {
  const made: Bytes[] = [];
  for (let left = missing; left > 0; left -= COMMENT_BYTES_MAX) {
    made.push(segment(0xfe, noise(Math.min(left, COMMENT_BYTES_MAX), seed + left)));
  }
  return made;
}
