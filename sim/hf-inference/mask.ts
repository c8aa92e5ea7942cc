import { deflateSync } from "node:zlib";
import { concat, u8, u32 } from "../media/bytes.js";
import type { Size } from "../media/picture.js";
import { chunk, SIGNATURE } from "../media/png.js";

/** In pixels; the right and the bottom are the first that are outside. */
export type Area = {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
};

/** A PNG of one byte a pixel, white inside the area and black around it, as bare base64. */
export function maskOf({ width, height }: Size, { left, top, right, bottom }: Area): string {
  const rows = new Uint8Array((width + 1) * height);
  for (let y = top; y < bottom; y += 1) {
    const at = y * (width + 1) + 1;
    rows.fill(255, at + left, at + right);
  }
  const header = concat(u32(width), u32(height), u8(8, 0, 0, 0, 0));
  const png = concat(
    SIGNATURE,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows, { level: 6 })),
    chunk("IEND", u8()),
  );
  return Buffer.from(png).toString("base64");
}
