/** Speech in, text out. */
import { z } from "zod";
import type { Question } from "../engine.js";
import { readMedia } from "../input.js";
import type { Loaded } from "./onnx-task.js";
import { readWav, resampled } from "./wav.js";

/** What such models are made for. */
const RATE = 16_000;

const parameters = z.strictObject({ return_timestamps: z.boolean().default(false) });

/** The library's own answer, `{text, chunks?}`, is hf-inference's. */
export async function transcribe({ pipeline }: Loaded, { input }: Question): Promise<unknown> {
  const { bytes, parameters: given } = readMedia(input, parameters);
  const samples = resampled(readWav(bytes), RATE);
  // It hears thirty seconds at a time, with some of the last ones to go on from.
  return await pipeline(samples, { ...given, chunk_length_s: 30, stride_length_s: 5 });
}
