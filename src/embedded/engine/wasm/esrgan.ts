/** ESRGAN-slim: a picture at twice the size, tile by tile. */
import { type Tensor, tensor4d } from "@tensorflow/tfjs-core";
import { type LayersModel, loadLayersModel } from "@tensorflow/tfjs-layers";
import { z } from "zod";
import { ENLARGED_PIXELS_MAX, PIXELS_MAX } from "../../limits.js";
import { badInput } from "../../refusal.js";
import { breathe } from "../breathe.js";
import type { Answer, LoadedModel, Question } from "../engine.js";
import { readMedia } from "../input.js";
import { encodePicture, openPicture, type Picture, type PictureType } from "../pictures.js";
import { fileHandler, ownWeights, tensorflowReady } from "./tensorflow.js";
import { cutOut, type Tile, tilesOf } from "./tiles.js";

const SCALE = 2;

export async function loadEsrgan(): Promise<LoadedModel> {
  await tensorflowReady();
  const model = await loadLayersModel(fileHandler(ownWeights("esrgan-slim-2x", "model.json")));
  return {
    answer: (question) => enlarge(model, question),
    unload: () => {
      model.dispose();
    },
  };
}

const side = z.int().min(1).max(16_384);

const parameters = z.strictObject({
  target_size: z.strictObject({ width: side, height: side }).nullish(),
});

async function enlarge(model: LayersModel, { input, accept, signal }: Question): Promise<Answer> {
  const { bytes, parameters: given } = readMedia(input, parameters);
  const target = given.target_size;
  if (target && target.width * target.height > PIXELS_MAX) {
    throw badInput(`Error in \`parameters.target_size\`: at most ${PIXELS_MAX} pixels are made.`);
  }
  const opened = await openPicture(bytes, ENLARGED_PIXELS_MAX);
  const doubled = await enlargeAll(model, await opened.at(opened), signal);
  const contentType = wantedType(accept);
  return {
    kind: "bytes",
    bytes: await encodePicture(doubled, contentType, target ?? undefined),
    contentType,
  };
}

const TYPES: readonly PictureType[] = ["image/png", "image/jpeg", "image/webp"];

/** The first of ours that the caller names, else PNG. */
const wantedType = (accept: string): PictureType =>
  TYPES.find((type) => accept.includes(type)) ?? "image/png";

async function enlargeAll(
  model: LayersModel,
  picture: Picture,
  signal: AbortSignal,
): Promise<Picture> {
  const [width, height] = [picture.width * SCALE, picture.height * SCALE];
  const pixels = new Uint8Array(width * height * 3);
  for (const tile of tilesOf(picture)) {
    await breathe(signal);
    paste(await enlargeTile(model, picture, tile), tile, { width, height, pixels });
  }
  return { width, height, pixels };
}

async function enlargeTile(
  model: LayersModel,
  picture: Picture,
  { outer }: Tile,
): Promise<Float32Array> {
  const { width, height } = outer;
  const image = tensor4d(cutOut(picture, outer), [1, height, width, 3]);
  const output = model.predict(image) as Tensor;
  try {
    return (await output.data()) as Float32Array;
  } finally {
    image.dispose();
    output.dispose();
  }
}

/** The margin of a tile was seen by the model, but is another tile's to draw. */
function paste(values: Float32Array, { outer, inner }: Tile, into: Picture): void {
  const from = { x: (inner.x - outer.x) * SCALE, y: (inner.y - outer.y) * SCALE };
  const bytes = inner.width * SCALE * 3;
  for (let row = 0; row < inner.height * SCALE; row++) {
    const start = ((from.y + row) * outer.width * SCALE + from.x) * 3;
    // Values beyond 0 and 255 happen; a clamped array cuts them.
    const line = Uint8ClampedArray.from(values.subarray(start, start + bytes));
    into.pixels.set(line, ((inner.y * SCALE + row) * into.width + inner.x * SCALE) * 3);
  }
}
