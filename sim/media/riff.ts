import { ascii, type Bytes, concat, l32 } from "./bytes.js";

/** A chunk of the container that WAV and WebP are; an odd length is filled up. */
export const riffChunk = (type: string, data: Uint8Array): Bytes =>
  concat(ascii(type), l32(data.length), data, new Uint8Array(data.length % 2));
