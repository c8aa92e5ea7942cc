/** What sentences as numbers are good for: themselves, how alike they are, and which label fits. */
import { z } from "zod";
import {
  LABEL_CHARS_MAX,
  LABELS_MAX,
  SENTENCE_TOKENS_MAX,
  TEXT_CHARS_MAX,
  TEXTS_MAX,
} from "../../limits.js";
import { badInput, Refusal } from "../../refusal.js";
import { jsonAnswer, type LoadedModel, type Question } from "../engine.js";
import { readJson } from "../input.js";
import { cosine, normalized, sigmoid, softmax } from "../vectors.js";
import { loadSentenceEncoder, type SentenceEncoder } from "./sentence-encoder.js";

const DIMENSIONS = 512;

export async function loadSentenceTasks(): Promise<LoadedModel> {
  const encoder = await loadSentenceEncoder();
  return {
    answer: async (question) => jsonAnswer(await outputOf(encoder, question)),
    unload: () => encoder.unload(),
  };
}

function outputOf(encoder: SentenceEncoder, question: Question): Promise<unknown> {
  switch (question.task) {
    case "sentence-similarity":
      return similarities(encoder, question);
    case "zero-shot-classification":
      return labelScores(encoder, question);
    default:
      return features(encoder, question);
  }
}

const text = z.string().min(1, "is empty").max(TEXT_CHARS_MAX);
const texts = z.array(text).min(1, "is empty").max(TEXTS_MAX, `takes at most ${TEXTS_MAX} texts`);

const featuresBody = z.object({
  inputs: z.union([text, texts], `expected a text, or 1 to ${TEXTS_MAX} texts, none of them empty`),
  normalize: z.boolean().nullish(),
  truncate: z.boolean().nullish(),
  truncation_direction: z.enum(["left", "right", "Left", "Right"]).nullish(),
  dimensions: z.int().min(1).max(DIMENSIONS).nullish(),
  encoding_format: z.enum(["float", "base64"]).nullish(),
  prompt_name: z.null("this model has no prompts").optional(),
});

/** One list of numbers for a text, a list of such lists for several. */
async function features(encoder: SentenceEncoder, { input, signal }: Question): Promise<unknown> {
  const body = readJson(input, featuresBody);
  const cut = {
    isCut: body.truncate === true,
    fromLeft: /left/i.test(body.truncation_direction ?? ""),
  };
  const all = typeof body.inputs === "string" ? [body.inputs] : body.inputs;
  const vectors = await encoder.embed(
    all.map((each) => tokensWithin(encoder, each, cut)),
    signal,
  );
  const shaped = vectors.map((vector) => {
    const short = vector.slice(0, body.dimensions ?? DIMENSIONS);
    const scaled = body.normalize === true ? normalized(short) : short;
    return body.encoding_format === "base64" ? base64Floats(scaled) : scaled;
  });
  return typeof body.inputs === "string" ? shaped[0] : shaped;
}

type Cut = { readonly isCut: boolean; readonly fromLeft: boolean };

function tokensWithin(encoder: SentenceEncoder, text: string, { isCut, fromLeft }: Cut): number[] {
  const ids = encoder.tokensOf(text);
  if (ids.length === 0) throw badInput("Error in `inputs`: a text has nothing but spaces.");
  if (ids.length <= SENTENCE_TOKENS_MAX) return ids;
  if (isCut) return fromLeft ? ids.slice(-SENTENCE_TOKENS_MAX) : ids.slice(0, SENTENCE_TOKENS_MAX);
  throw new Refusal(
    422,
    `Input validation error: \`inputs\` must have at most ${SENTENCE_TOKENS_MAX} tokens. Given: ${ids.length}. "truncate": true cuts it.`,
  );
}

const WHOLE: Cut = { isCut: false, fromLeft: false };

const base64Floats = (vector: readonly number[]): string =>
  Buffer.from(Float32Array.from(vector).buffer).toString("base64");

const similarityBody = z.object({ inputs: z.object({ source_sentence: text, sentences: texts }) });

async function similarities(
  encoder: SentenceEncoder,
  { input, signal }: Question,
): Promise<number[]> {
  const { inputs } = readJson(input, similarityBody);
  const all = [inputs.source_sentence, ...inputs.sentences];
  const [source = [], ...others] = await encoder.embed(
    all.map((each) => tokensWithin(encoder, each, WHOLE)),
    signal,
  );
  return others.map((each) => cosine(source, each));
}

const labels = z
  .array(z.string().trim().min(1, "is empty").max(LABEL_CHARS_MAX))
  .min(1, "is empty")
  .max(LABELS_MAX, `takes at most ${LABELS_MAX} labels`);

const zeroShotBody = z.object({
  inputs: z.union([text, z.tuple([text])], "expected one text that is not empty"),
  parameters: z.object({
    // "a, b" is how the first clients sent them.
    candidate_labels: z.preprocess((it) => (typeof it === "string" ? it.split(",") : it), labels),
    hypothesis_template: z.string().max(TEXT_CHARS_MAX).includes("{}").nullish(),
    multi_label: z.boolean().nullish(),
  }),
});

/**
 * A cosine is no probability. These make one of it: with 15 a label that is 0.1 nearer than another is four times as
 * likely; on its own, a label is as likely as not at 0.3, where related English texts begin.
 */
const SHARPNESS = 15;
const EVEN_COSINE = 0.3;

async function labelScores(
  encoder: SentenceEncoder,
  { input, signal }: Question,
): Promise<unknown> {
  const { inputs, parameters } = readJson(input, zeroShotBody);
  const { candidate_labels: names, hypothesis_template: template, multi_label } = parameters;
  const spoken = names.map((label) => template?.replace("{}", () => label) ?? label);
  const [subject = [], ...candidates] = await encoder.embed(
    [[inputs].flat().join(), ...spoken].map((each) => tokensWithin(encoder, each, WHOLE)),
    signal,
  );
  const cosines = candidates.map((each) => cosine(subject, each));
  const scores = multi_label
    ? cosines.map((each) => sigmoid((each - EVEN_COSINE) * SHARPNESS))
    : softmax(cosines.map((each) => each * SHARPNESS));
  return names
    .map((label, i) => ({ label, score: scores[i] ?? 0 }))
    .sort((a, b) => b.score - a.score);
}
