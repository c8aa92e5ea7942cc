import { below, type Random } from "../random.js";
import type { Bytes } from "./bytes.js";
import { jpeg } from "./jpeg.js";
import { png } from "./png.js";
import { webp } from "./webp.js";

type Colour = readonly [red: number, green: number, blue: number];

/** What a picture encoder draws: a gradient between two colours. */
export type Picture = {
  readonly width: number;
  readonly height: number;
  readonly seed: number;
  readonly from: Colour;
  readonly to: Colour;
  /** The file is at least so large. */
  readonly bytesMin: number;
};

export const PICTURE_TYPES = {
  png: "image/png",
  jpeg: "image/jpeg",
  webp: "image/webp",
} as const;

export type PictureFormat = keyof typeof PICTURE_TYPES;

const ENCODERS: { readonly [format in PictureFormat]: (picture: Picture) => Bytes } = {
  png,
  jpeg,
  webp,
};

export type Size = { readonly width: number; readonly height: number };

export function drawPicture(
  format: PictureFormat,
  size: Size,
  random: Random,
  bytesMin: number,
): Bytes {
  const colour = (): Colour => [below(random, 256), below(random, 256), below(random, 256)];
  const seed = below(random, 1 << 30);
  return ENCODERS[format]({ ...size, seed, from: colour(), to: colour(), bytesMin });
}
