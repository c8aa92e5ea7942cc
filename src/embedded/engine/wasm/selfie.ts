/** MediaPipe's selfie segmentation: where in a picture people are. */
import type { GraphModel } from "@tensorflow/tfjs-converter";
import { type Tensor, tensor4d } from "@tensorflow/tfjs-core";
import { z } from "zod";
import { jsonAnswer, type LoadedModel, type Question } from "../engine.js";
import { readMedia } from "../input.js";
import { encodeGrey, openPicture, resizeGrey } from "../pictures.js";
import { graphModel, ownWeights } from "./tensorflow.js";

const SIDE = 256;
const SQUARE = { width: SIDE, height: SIDE };
const WHITE = 255;

export async function loadSelfie(): Promise<LoadedModel> {
  const model = await graphModel(ownWeights("selfie", "selfie.json"));
  return {
    answer: async (question) => jsonAnswer(await segment(model, question)),
    unload: () => model.dispose(),
  };
}

const part = z.number().min(0).max(1);

const parameters = z.strictObject({
  mask_threshold: part.default(0.5),
  threshold: part.default(0.5),
  subtask: z.literal("semantic", 'this model does "semantic" only').optional(),
});

/** One segment, "person", or none where nobody is seen. */
async function segment(model: GraphModel, { input }: Question): Promise<unknown> {
  const { bytes, parameters: given } = readMedia(input, parameters);
  const picture = await openPicture(bytes);
  const { pixels } = await picture.at(SQUARE);
  const small = await likelihood(model, pixels);
  const grey = await resizeGrey(small, SQUARE, picture);
  const mask = grey.map((each) => (each > given.mask_threshold * WHITE ? WHITE : 0));
  const score = meanWithin(grey, mask) / WHITE;
  if (score === 0 || score < given.threshold) return [];
  const png = await encodeGrey(mask, picture);
  return [{ label: "person", score, mask: png.toString("base64") }];
}

/** How likely each pixel is one of a person, from 0 to 255. */
async function likelihood(model: GraphModel, pixels: Uint8Array): Promise<Uint8Array> {
  const image = tensor4d(
    Float32Array.from(pixels, (each) => each / WHITE),
    [1, SIDE, SIDE, 3],
  );
  const output = model.execute(image) as Tensor;
  try {
    return Uint8Array.from(await output.data(), (each) => Math.round(each * WHITE));
  } finally {
    image.dispose();
    output.dispose();
  }
}

function meanWithin(values: Uint8Array, mask: Uint8Array): number {
  let [sum, count] = [0, 0];
  for (const [i, each] of mask.entries()) {
    if (each === 0) continue;
    sum += values[i] ?? 0;
    count++;
  }
  return count === 0 ? 0 : sum / count;
}
