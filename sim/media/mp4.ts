import { ascii, type Bytes, concat, noise, u8, u16, u24, u32 } from "./bytes.js";

const FRAMES_PER_SECOND = 24;
/** Ticks per second, and per frame. */
const SCALE = 24_000;
const FRAME = SCALE / FRAMES_PER_SECOND;

const box = (type: string, ...parts: readonly Uint8Array[]): Bytes => {
  const body = concat(...parts);
  return concat(u32(body.length + 8), ascii(type), body);
};
const fullBox = (type: string, flags: number, ...parts: readonly Uint8Array[]): Bytes =>
  box(type, u8(0), u24(flags), ...parts);

const zeros = (count: number): Bytes => new Uint8Array(count);
const MATRIX = concat(u32(0x10000), zeros(12), u32(0x10000), zeros(12), u32(0x40000000));
const fixed16 = (value: number): Bytes => concat(u16(value), u16(0));

export type Film = {
  readonly width: number;
  readonly height: number;
  readonly seconds: number;
  readonly seed: number;
  /** A baseline JPEG of that size: every frame of the film. */
  readonly still: Bytes;
  readonly bytesMin: number;
};

/** How long a film of about so many seconds is: whole frames. */
export const filmSeconds = (seconds: number): number =>
  Math.max(1, Math.round(seconds * FRAMES_PER_SECOND)) / FRAMES_PER_SECOND;

/**
 * Motion JPEG in an MP4 (ISO/IEC 14496-12): a real film of one still. All frames are one and the same
 * bytes of the file, so that it stays small.
 */
export function mp4({ width, height, seconds, seed, still, bytesMin }: Film): Bytes {
  const frames = Math.round(filmSeconds(seconds) * FRAMES_PER_SECOND);
  const duration = u32(frames * FRAME);
  const type = box("ftyp", ascii("isom"), u32(512), ascii("isomiso2mp41"));
  const media = box("mdat", still);
  const moov = (offset: number) =>
    box(
      "moov",
      fullBox(
        "mvhd",
        0,
        ...[zeros(8), u32(SCALE), duration, u32(0x10000), u16(0x100), zeros(10)],
        ...[MATRIX, zeros(24), u32(2)],
      ),
      box(
        "trak",
        fullBox(
          "tkhd",
          3,
          ...[zeros(8), u32(1), zeros(4), duration, zeros(8), zeros(8), MATRIX],
          ...[fixed16(width), fixed16(height)],
        ),
        box(
          "mdia",
          fullBox("mdhd", 0, zeros(8), u32(SCALE), duration, u16(0x55c4), u16(0)),
          fullBox("hdlr", 0, zeros(4), ascii("vide"), zeros(12), ascii("video\0")),
          box(
            "minf",
            fullBox("vmhd", 1, zeros(8)),
            box("dinf", fullBox("dref", 0, u32(1), fullBox("url ", 1))),
            samples(width, height, { frames, size: still.length, offset }),
          ),
        ),
      ),
    );
  const offset = type.length + moov(0).length + 8;
  const film = concat(type, moov(offset), media);
  const missing = bytesMin - film.length - 8;
  return missing > 0 ? concat(film, box("free", noise(missing, seed))) : film;
}

type Frames = { readonly frames: number; readonly size: number; readonly offset: number };

const samples = (width: number, height: number, { frames, size, offset }: Frames): Bytes =>
  box(
    "stbl",
    fullBox("stsd", 0, u32(1), description(width, height)),
    fullBox("stts", 0, u32(1), u32(frames), u32(FRAME)),
    fullBox("stsc", 0, u32(1), u32(1), u32(1), u32(1)),
    fullBox("stsz", 0, u32(size), u32(frames)),
    // One chunk a frame, each at the same place.
    fullBox("stco", 0, u32(frames), ...Array.from({ length: frames }, () => u32(offset))),
  );

const description = (width: number, height: number): Bytes =>
  box(
    "mp4v",
    ...[zeros(6), u16(1), zeros(16), u16(width), u16(height), u32(0x480000), u32(0x480000)],
    ...[zeros(4), u16(1), zeros(32), u16(24), u16(0xffff)],
    fullBox(
      "esds",
      0,
      descriptor(3, u16(1), u8(0), descriptor(4, JPEG_CONFIG), descriptor(6, u8(2))),
    ),
  );

const descriptor = (tag: number, ...parts: readonly Uint8Array[]): Bytes => {
  const body = concat(...parts);
  return concat(u8(tag, body.length), body);
};

/** Object type 0x6C is "Visual ISO/IEC 10918-1", which is JPEG; 0x11 says that it is a visual stream. */
const JPEG_CONFIG = concat(u8(0x6c, 0x11), u24(0), u32(0), u32(0));
