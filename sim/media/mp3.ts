import { ascii, type Bytes, concat, noise, u8, u32 } from "./bytes.js";
import type { Sound } from "./sound.js";

/** MPEG-2 layer III, 64 kbit/s, 24 kHz, mono: 576 samples a frame are 24 ms in 192 bytes. */
const HEADER = u8(0xff, 0xf3, 0x84, 0xc4);
const FRAME_BYTES = 192;
const MP3_FRAME_SECONDS = 0.024;

/** Silence: frames whose side information says that no data follows. */
export function mp3({ seconds, bytesMin, seed }: Sound): Bytes {
  const frames = Math.max(1, Math.round(seconds / MP3_FRAME_SECONDS));
  const sound = new Uint8Array(frames * FRAME_BYTES);
  for (let i = 0; i < frames; i += 1) sound.set(HEADER, i * FRAME_BYTES);
  const missing = bytesMin - sound.length - 20;
  return missing > 0 ? concat(tag(missing, seed), sound) : sound;
}

/** An ID3v2.3 tag with one private frame. Sizes in tags have seven bits a byte. */
function tag(length: number, seed: number): Bytes {
  const frame = concat(
    ascii("PRIV"),
    u32(length + 4),
    u8(0, 0),
    ascii("sim\0"),
    soft(length, seed),
  );
  return concat(ascii("ID3"), u8(3, 0, 0), sevenBits(frame.length), frame);
}

const sevenBits = (value: number): Bytes =>
  u8((value >>> 21) & 0x7f, (value >>> 14) & 0x7f, (value >>> 7) & 0x7f, value & 0x7f);

/** Noise in which no player finds the start of a frame. */
const soft = (length: number, seed: number): Bytes =>
  noise(length, seed).map((byte) => byte & 0x7f);
