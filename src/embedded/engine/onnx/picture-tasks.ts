/** Pictures in, labels, boxes or words out. */
import { z } from "zod";
import { OUTPUT_TOKENS_DEFAULT } from "../../limits.js";
import type { Question } from "../engine.js";
import { readMedia } from "../input.js";
import { openPicture } from "../pictures.js";
import type { Loaded } from "./onnx-task.js";
import type { TransformersModule } from "./transformers.js";

const classifyParameters = z.strictObject({ top_k: z.int().min(1).max(1_000).default(5) });

export async function classify(
  { module, pipeline }: Loaded,
  { input }: Question,
): Promise<unknown> {
  const { bytes, parameters } = readMedia(input, classifyParameters);
  return await pipeline(await toImage(module, bytes), parameters);
}

const detectParameters = z.strictObject({ threshold: z.number().min(0).max(1).default(0.5) });

type Detection = {
  readonly label: string;
  readonly score: number;
  readonly box: Readonly<Record<"xmin" | "ymin" | "xmax" | "ymax", number>>;
};

export async function detect({ module, pipeline }: Loaded, { input }: Question): Promise<unknown> {
  const { bytes, parameters } = readMedia(input, detectParameters);
  const found = await pipeline(await toImage(module, bytes), parameters);
  return (found as readonly Detection[]).map(({ label, score, box }) => ({
    label,
    score,
    box: {
      xmin: Math.round(box.xmin),
      ymin: Math.round(box.ymin),
      xmax: Math.round(box.xmax),
      ymax: Math.round(box.ymax),
    },
  }));
}

const describeParameters = z.strictObject({
  max_new_tokens: z.int().min(1).max(4_096).default(OUTPUT_TOKENS_DEFAULT),
});

export async function describe(
  { module, pipeline }: Loaded,
  { input }: Question,
): Promise<unknown> {
  const { bytes, parameters } = readMedia(input, describeParameters);
  return await pipeline(await toImage(module, bytes), parameters);
}

/** We decode ourselves, so that the limits on pictures hold here too. */
async function toImage({ RawImage }: TransformersModule, bytes: Uint8Array): Promise<unknown> {
  const opened = await openPicture(bytes);
  const { pixels, width, height } = await opened.at(opened);
  return new RawImage(Uint8ClampedArray.from(pixels), width, height, 3);
}
