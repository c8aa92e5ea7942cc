/** Sentences as numbers, and how alike they are. */
import { z } from "zod";
import { TEXT_CHARS_MAX, TEXTS_MAX } from "../../limits.js";
import { breathe } from "../breathe.js";
import type { Question } from "../engine.js";
import { readJson } from "../input.js";
import { cosine, normalized } from "../vectors.js";
import type { Loaded } from "./onnx-task.js";
import type { Tensor } from "./transformers.js";

const text = z.string().min(1, "is empty").max(TEXT_CHARS_MAX);
const texts = z.array(text).min(1, "is empty").max(TEXTS_MAX, `takes at most ${TEXTS_MAX} texts`);

const featuresBody = z.object({
  inputs: z.union([text, texts], `expected a text, or 1 to ${TEXTS_MAX} texts, none of them empty`),
  normalize: z.boolean().nullish(),
  truncate: z.literal(true, "this model cuts what is too long").nullish(),
  dimensions: z.int().min(1).nullish(),
  encoding_format: z.literal("float", 'this model gives "float" only').nullish(),
  prompt_name: z.null("this model has no prompts").optional(),
});

export async function features(loaded: Loaded, { input, signal }: Question): Promise<unknown> {
  const { inputs, normalize, dimensions } = readJson(input, featuresBody);
  const vectors = await embed(loaded, [inputs].flat(), signal);
  const shaped = vectors.map((vector) => {
    const short = vector.slice(0, dimensions ?? vector.length);
    return normalize === true ? normalized(short) : short;
  });
  return typeof inputs === "string" ? shaped[0] : shaped;
}

const similarityBody = z.object({ inputs: z.object({ source_sentence: text, sentences: texts }) });

export async function similarities(loaded: Loaded, { input, signal }: Question): Promise<number[]> {
  const { inputs } = readJson(input, similarityBody);
  const [source = [], ...others] = await embed(
    loaded,
    [inputs.source_sentence, ...inputs.sentences],
    signal,
  );
  return others.map((each) => cosine(source, each));
}

/** One by one: padding to the longest costs more than it saves on few processors. */
async function embed(
  { pipeline, pooling }: Loaded,
  all: readonly string[],
  signal: AbortSignal,
): Promise<number[][]> {
  const vectors: number[][] = [];
  for (const each of all) {
    await breathe(signal);
    const tensor = (await pipeline(each, { pooling })) as Tensor;
    const [vector = []] = tensor.tolist() as number[][];
    vectors.push(vector);
  }
  return vectors;
}
