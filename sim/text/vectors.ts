import { hashOf, randomFrom } from "../random.js";

/**
 * Embeddings that behave like embeddings: a text's vector is the sum of one sparse, random direction for each of
 * its words and each three letters in a row. So equal texts are equal and texts with words in common are near.
 */
export function vectorFor(text: string, length: number, key: string): Float32Array {
  const vector = new Float32Array(length);
  for (const [feature, weight] of featuresOf(text))
    addDirection(vector, `${key} ${feature}`, weight);
  return normalized(vector);
}

const WORD_WEIGHT = 3;
const LETTERS_WEIGHT = 1;
/** Coordinates that one feature moves. */
const SPREAD = 12;

function featuresOf(text: string): Map<string, number> {
  const features = new Map<string, number>();
  const add = (feature: string, weight: number) =>
    features.set(feature, (features.get(feature) ?? 0) + weight);
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  for (const word of words) {
    add(word, WORD_WEIGHT);
    const edged = `<${word}>`;
    for (let at = 0; at + 3 <= edged.length; at += 1) add(edged.slice(at, at + 3), LETTERS_WEIGHT);
  }
  if (features.size === 0) add(`blank ${text}`, 1);
  return features;
}

/** Counted features weigh by the root of their count, so that a word said often does not drown the rest. */
function addDirection(vector: Float32Array, feature: string, weight: number): void {
  const random = randomFrom(hashOf(feature));
  const amount = Math.sqrt(weight);
  for (let i = 0; i < SPREAD; i += 1) {
    const at = Math.floor(random() * vector.length);
    vector[at] = (vector[at] ?? 0) + (random() < 0.5 ? -amount : amount);
  }
}

function normalized(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  const length = Math.sqrt(sum);
  if (length === 0) vector[0] = 1;
  else for (let i = 0; i < vector.length; i += 1) vector[i] = (vector[i] ?? 0) / length;
  return vector;
}

/** Of two unit vectors. */
export function cosine(left: Float32Array, right: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < left.length; i += 1) sum += (left[i] ?? 0) * (right[i] ?? 0);
  return Math.max(-1, Math.min(1, sum));
}

/** Little-endian 32-bit floats, as OpenAI prints them. */
export const base64Of = (vector: Float32Array): string =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");

/** What well-known models give; others give the commonest. */
const LENGTHS: readonly (readonly [RegExp, number])[] = [
  [/text-embedding-3-large/, 3072],
  [/text-embedding-(3-small|ada)|embed-v4/, 1536],
  [/e5-mistral|embedding-8b|bge-en-icl/, 4096],
  [/embedding-4b/, 2560],
  [/gemma2/, 3584],
  [/minilm|light-v3|small/, 384],
  [/base|mean-tokens|m2-bert|albert|xlm-r/, 768],
];

export const lengthOf = (model: string): number =>
  LENGTHS.find(([shape]) => shape.test(model.toLowerCase()))?.[1] ?? 1024;
