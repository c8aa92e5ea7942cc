import { keyOf } from "../families/openai-embeddings.js";
import { isObject, isString, type Json } from "../json.js";
import { EMBEDDED_TEXTS_MAX } from "../limits.js";
import { cosine, lengthOf, vectorFor } from "../text/vectors.js";
import { countText } from "../tokens.js";
import { failed, type Given, type Made, type Pipeline, required, says } from "./pipeline.js";

/** Cosines, in the order asked. */
export const sentenceSimilarity: Pipeline = ({ ask, inputs }) => {
  const { source_sentence: source, sentences } = isObject(inputs) ? inputs : {};
  if (!isString(source)) return required("inputs.source_sentence");
  if (!Array.isArray(sentences) || !sentences.every(isString)) return required("inputs.sentences");
  const length = lengthOf(ask.model);
  const key = keyOf(ask);
  const vector = vectorFor(source, length, key);
  return says(sentences.map((text) => cosine(vector, vectorFor(text, length, key))));
};

/** One vector for a text, a list for a list; models without a pooling layer give one for each token. */
export const featureExtraction: Pipeline = (given) => {
  const { inputs } = given;
  const texts = Array.isArray(inputs) ? inputs : [inputs];
  if (texts.length === 0 || !texts.every(isString)) return required("inputs");
  if (texts.length > EMBEDDED_TEXTS_MAX) return failed(`batch size > ${EMBEDDED_TEXTS_MAX}`);
  const made = texts.map((text) => embedded(given, text));
  return says(Array.isArray(inputs) ? made : (made[0] ?? []));
};

const NOT_POOLED = /bart-base|^bert|^gpt/;
const TOKENS_MAX = 512;

function embedded({ ask, parameters }: Given, text: string): Json {
  const { json: options, model } = ask;
  const asked = Number(options.dimensions ?? parameters.dimensions);
  const length =
    Number.isInteger(asked) && asked > 0 ? Math.min(asked, lengthOf(model)) : lengthOf(model);
  const key = keyOf(ask);
  const vectors = (texts: readonly string[]) =>
    texts.map((one) => [...vectorFor(one, length, key)]);
  if (!NOT_POOLED.test(model.split("/").at(-1) ?? "")) return vectors([text])[0] ?? [];
  const count = Math.min(TOKENS_MAX, countText(text) + 2);
  return [vectors(Array.from({ length: count }, (_, at) => `${text} ${at}`))];
}

/** A model of either kind serves both, told apart by what it is given. */
export const eitherKind: Pipeline = (given): Made | ReturnType<Pipeline> =>
  isObject(given.inputs) ? sentenceSimilarity(given) : featureExtraction(given);
