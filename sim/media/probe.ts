import type { Size } from "./picture.js";

/** What a file says of itself: pictures their size, sounds and films their length. */
export type Probed =
  | ({ readonly kind: "image" } & Size)
  | { readonly kind: "sound"; readonly seconds: number };

/** Reads the headers that providers look at first; undefined for what none of them would decode. */
export function probe(bytes: Uint8Array): Probed | undefined {
  if (bytes.length < 12) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at: number, length: number) =>
    String.fromCharCode(...bytes.subarray(at, at + length));
  try {
    if (text(1, 3) === "PNG") return image(view.getUint32(16), view.getUint32(20));
    if (view.getUint16(0) === 0xffd8) return jpegSize(view);
    if (text(0, 3) === "GIF") return image(view.getUint16(6, true), view.getUint16(8, true));
    if (text(0, 4) === "RIFF" && text(8, 4) === "WEBP") return webpSize(view, text(12, 4));
    if (text(0, 4) === "RIFF" && text(8, 4) === "WAVE") return wavLength(view, text);
    if (text(0, 4) === "fLaC") return flacLength(view);
    if (text(0, 4) === "OggS") return oggLength(view);
    if (text(4, 4) === "ftyp") return movieLength(view, text);
    if (text(0, 3) === "ID3" || isMp3Frame(view, 0)) return mp3Length(view, text);
    // WebM says its length deep inside; its bitrate is guessed.
    if (view.getUint32(0) === 0x1a45dfa3) return sound(bytes.length / 16_000);
  } catch (cause) {
    // The file ends inside its own headers.
    if (!(cause instanceof RangeError)) throw cause;
  }
  return undefined;
}

/** Whether a picture lacks the mark at its end; of formats that have none, nobody can tell without decoding. */
export function isCutOff(bytes: Uint8Array): boolean {
  const tail = Buffer.from(bytes.subarray(-END_WITHIN)).toString("latin1");
  if (bytes[0] === 0x89) return !tail.includes("IEND");
  return bytes[0] === 0xff && bytes[1] === 0xd8 && !tail.includes("\xff\xd9");
}

/** Some cameras and programs write a little after the end. */
const END_WITHIN = 4_096;

type Text = (at: number, length: number) => string;

const image = (width: number, height: number): Probed => ({ kind: "image", width, height });
const sound = (seconds: number): Probed => ({ kind: "sound", seconds });

function jpegSize(view: DataView): Probed | undefined {
  for (let at = 2; at < view.byteLength; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint8(at + 1);
    // Start of frame: C0 to CF but for the three that define tables.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return image(view.getUint16(at + 7), view.getUint16(at + 5));
    }
  }
  return undefined;
}

function webpSize(view: DataView, form: string): Probed | undefined {
  const u24 = (at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  if (form === "VP8X") return image(u24(24) + 1, u24(27) + 1);
  if (form === "VP8 ") {
    return image(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
  }
  const bits = view.getUint32(21, true);
  return image((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1);
}

function wavLength(view: DataView, text: Text): Probed | undefined {
  let perSecond = 0;
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const size = view.getUint32(at + 4, true);
    if (text(at, 4) === "fmt ") perSecond = view.getUint32(at + 16, true);
    if (text(at, 4) === "data" && perSecond > 0) {
      return sound(Math.min(size, view.byteLength - at - 8) / perSecond);
    }
    at += 8 + size + (size % 2);
  }
  return undefined;
}

function flacLength(view: DataView): Probed | undefined {
  const rate = view.getUint32(18) >>> 12;
  const samples = (view.getUint8(21) & 15) * 2 ** 32 + view.getUint32(22);
  return rate > 0 ? sound(samples / rate) : undefined;
}

/** The last page says how many samples of 48 kHz have been played by its end. */
function oggLength(view: DataView): Probed | undefined {
  for (let at = view.byteLength - 27; at >= 0; at -= 1) {
    if (view.getUint32(at) === 0x4f676753) return sound(view.getUint32(at + 6, true) / 48_000);
  }
  return undefined;
}

function movieLength(view: DataView, text: Text): Probed | undefined {
  for (let at = 0; at + 8 <= view.byteLength; at += Math.max(8, view.getUint32(at))) {
    if (text(at + 4, 4) !== "moov") continue;
    // The movie's header comes first in it.
    return sound(view.getUint32(at + 32) / view.getUint32(at + 28));
  }
  return undefined;
}

const isMp3Frame = (view: DataView, at: number): boolean =>
  (view.getUint16(at) & 0xffe6) === 0xffe2;

const MPEG1_KBPS = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0];
const MPEG2_KBPS = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0];

/** Taken for a constant bitrate, that of the first frame. */
function mp3Length(view: DataView, text: Text): Probed | undefined {
  let at = 0;
  if (text(0, 3) === "ID3") {
    for (let i = 6; i < 10; i += 1) at = (at << 7) | view.getUint8(i);
    at += 10;
  }
  if (!isMp3Frame(view, at)) return undefined;
  const isFirst = (view.getUint8(at + 1) & 0x18) === 0x18;
  const kbps = (isFirst ? MPEG1_KBPS : MPEG2_KBPS)[view.getUint8(at + 2) >>> 4] ?? 0;
  return kbps > 0 ? sound(((view.byteLength - at) * 8) / (kbps * 1000)) : undefined;
}
