/** Pictures as numbers and back. */
import sharp, { type Sharp } from "sharp";
import { reasonOf } from "../../kernel/log.js";
import type { Bytes } from "../call.js";
import { PIXELS_MAX } from "../limits.js";
import { badInput } from "../refusal.js";

/** Red, green, blue, row by row. */
export type Picture = {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
};

export type Size = { readonly width: number; readonly height: number };

// What stands in a picture must not make us read files or fetch URLs, as an SVG could.
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({
  operation: ["Jpeg", "Png", "Webp", "Nsgif", "Tiff", "Heif"].map(
    (kind) => `VipsForeignLoad${kind}`,
  ),
});
// One request at a time has the engine, and keeps nothing.
sharp.concurrency(1);
sharp.cache(false);

/** A picture as the caller sees it: turned as its camera says, over white where it is transparent. */
export type Opened = Size & { readonly at: (size: Size) => Promise<Picture> };

/** Throws a Refusal where it cannot be read or is too large. */
export async function openPicture(bytes: Uint8Array, pixelsMax = PIXELS_MAX): Promise<Opened> {
  const metadata = await readable(() => sharp(bytes, OPTIONS).metadata());
  const { width, height } = metadata.autoOrient;
  if (width * height > pixelsMax) {
    throw badInput(`The picture has ${width} × ${height} pixels; at most ${pixelsMax} are taken.`);
  }
  const upright = (): Sharp => sharp(bytes, OPTIONS).autoOrient().flatten({ background: "white" });
  return {
    width,
    height,
    at: (size) => readable(() => toPicture(upright().resize({ ...size, fit: "fill" }))),
  };
}

const OPTIONS = { failOn: "truncated", limitInputPixels: PIXELS_MAX * 4 } as const;

async function toPicture(image: Sharp): Promise<Picture> {
  const { data, info } = await image
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, pixels: data };
}

async function readable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw badInput(
      `The picture cannot be read: ${reasonOf(thrown)}. JPEG, PNG, WebP, GIF, TIFF and AVIF are.`,
    );
  }
}

const raw = ({ width, height }: Size, channels: 1 | 3) => ({ raw: { width, height, channels } });

export type PictureType = "image/png" | "image/jpeg" | "image/webp";

export async function encodePicture(
  { pixels, ...size }: Picture,
  type: PictureType,
  target: Size = size,
): Promise<Bytes> {
  const resized = sharp(pixels, raw(size, 3)).resize({ ...target, fit: "fill" });
  const format = type.slice("image/".length) as "png" | "jpeg" | "webp";
  return new Uint8Array(await resized.toFormat(format).toBuffer());
}

/** One byte a pixel, at another size. */
export function resizeGrey(grey: Uint8Array, from: Size, to: Size): Promise<Buffer> {
  const resized = sharp(grey, raw(from, 1)).resize({ ...to, fit: "fill", kernel: "linear" });
  return resized.toColourspace("b-w").raw().toBuffer();
}

export const encodeGrey = (grey: Uint8Array, size: Size): Promise<Buffer> =>
  sharp(grey, raw(size, 1)).toColourspace("b-w").png().toBuffer();
