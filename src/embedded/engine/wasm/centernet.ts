/** CenterNet: the things of COCO in a picture, with boxes. */
import type { GraphModel } from "@tensorflow/tfjs-converter";
import { type Tensor, tensor4d } from "@tensorflow/tfjs-core";
import { z } from "zod";
import { jsonAnswer, type LoadedModel, type Question } from "../engine.js";
import { readMedia } from "../input.js";
import { openPicture, type Size } from "../pictures.js";
import { type Detection, withoutRepeats } from "./boxes.js";
import { COCO_LABELS } from "./coco-labels.js";
import { graphModel, ownWeights } from "./tensorflow.js";

const SIDE = 512;
const OUTPUT = "tower_0/detections";
/** x1, y1, x2, y2, score and class. */
const ROW = 6;
const SCORE_MIN = 0.25;
const OVERLAP_MAX = 0.4;

export async function loadCenternet(): Promise<LoadedModel> {
  const model = await graphModel(ownWeights("centernet", "centernet.json"));
  return {
    answer: async (question) => jsonAnswer(await detect(model, question)),
    unload: () => model.dispose(),
  };
}

const parameters = z.strictObject({ threshold: z.number().min(0).max(1).default(SCORE_MIN) });

async function detect(model: GraphModel, { input }: Question): Promise<Detection[]> {
  const { bytes, parameters: given } = readMedia(input, parameters);
  const picture = await openPicture(bytes);
  const { pixels } = await picture.at({ width: SIDE, height: SIDE });
  const rows = await detections(model, pixels);
  return withoutRepeats(
    rows.map((row) => toDetection(row, picture)).filter(({ score }) => score >= given.threshold),
    OVERLAP_MAX,
  );
}

async function detections(model: GraphModel, pixels: Uint8Array): Promise<number[][]> {
  const image = tensor4d(Float32Array.from(pixels), [1, SIDE, SIDE, 3]);
  const output = model.execute(image, [OUTPUT]) as Tensor;
  try {
    const values = await output.data();
    return Array.from({ length: values.length / ROW }, (_, i) => [
      ...values.subarray(i * ROW, (i + 1) * ROW),
    ]);
  } finally {
    image.dispose();
    output.dispose();
  }
}

function toDetection(row: readonly number[], { width, height }: Size): Detection {
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0, score = 0, kind = -1] = row;
  const x = (value: number): number => clamp(Math.round((value / SIDE) * width), width);
  const y = (value: number): number => clamp(Math.round((value / SIDE) * height), height);
  return {
    label: COCO_LABELS[Math.round(kind)] ?? "unknown",
    score,
    box: { xmin: x(x1), ymin: y(y1), xmax: x(x2), ymax: y(y2) },
  };
}

const clamp = (value: number, most: number): number => Math.min(Math.max(value, 0), most);
