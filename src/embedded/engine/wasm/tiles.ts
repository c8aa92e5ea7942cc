/** A picture in pieces that fit into memory, each with a margin that its neighbours draw. */
import type { Picture, Size } from "../pictures.js";

export type Area = Size & { readonly x: number; readonly y: number };

/** `inner` is drawn from what the model makes of `outer`. */
export type Tile = { readonly inner: Area; readonly outer: Area };

const SIDE = 128;
/** Beyond this a pixel hardly depends on another one. */
const MARGIN = 12;

export function* tilesOf({ width, height }: Size): Generator<Tile> {
  for (let y = 0; y < height; y += SIDE) {
    for (let x = 0; x < width; x += SIDE) {
      const inner = { x, y, width: Math.min(SIDE, width - x), height: Math.min(SIDE, height - y) };
      yield { inner, outer: widened(inner, { width, height }) };
    }
  }
}

function widened({ x, y, width, height }: Area, whole: Size): Area {
  const [left, top] = [Math.max(0, x - MARGIN), Math.max(0, y - MARGIN)];
  const right = Math.min(whole.width, x + width + MARGIN);
  const bottom = Math.min(whole.height, y + height + MARGIN);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** The numbers of an area, row by row. */
export function cutOut(picture: Picture, { x, y, width, height }: Area): Float32Array {
  const values = new Float32Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const start = ((y + row) * picture.width + x) * 3;
    values.set(picture.pixels.subarray(start, start + width * 3), row * width * 3);
  }
  return values;
}
