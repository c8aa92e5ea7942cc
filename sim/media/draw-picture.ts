import { below, type Random } from "../random.js";
import type { Bytes } from "./bytes.js";
import { jpeg } from "./jpeg.js";
import type { Colour, Picture, Size } from "./picture.js";
import { png } from "./png.js";
import { webp } from "./webp.js";

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
