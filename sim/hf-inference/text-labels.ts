import { keyOf } from "../families/openai-embeddings.js";
import { isString, type Json } from "../json.js";
import { hashOf, type Random } from "../random.js";
import { cosine, vectorFor } from "../text/vectors.js";
import { candidatesIn, classes, type Label, sigmoids, softmaxed } from "./labels.js";
import { type Given, type Pipeline, required, says } from "./pipeline.js";

const GOOD = /\b(good|great|like|love\w*|happy|nice|excellent|wonderful|best|enjoy\w*|thanks?)\b/gi;
const BAD = /\b(bad|awful|hate\w*|sad|terrible|worst|boring|broken|wrong|poor|angry|not)\b/gi;

const textsIn = (inputs: Json | undefined): readonly string[] | undefined => {
  const list = Array.isArray(inputs) ? inputs : [inputs];
  return list.length > 0 && list.every(isString) ? list : undefined;
};

/** A list for each input, also for one. */
export const textClassification: Pipeline = ({ ask, inputs, parameters }) => {
  const texts = textsIn(inputs);
  if (!texts) return required("inputs");
  return says(
    texts.map((text) => {
      const mood = 4 * (count(GOOD, text) - count(BAD, text)) + ask.random() - 0.5;
      return classes(["POSITIVE", "NEGATIVE"], [mood, -mood], parameters);
    }),
  );
};

const count = (words: RegExp, text: string): number => text.match(words)?.length ?? 0;

/** The newer of the two shapes: labels with scores. Until 2025-07 it was `{sequence, labels, scores}`. */
export const zeroShotClassification: Pipeline = (given) => {
  const { inputs, parameters } = given;
  const texts = textsIn(inputs);
  if (!texts) return required("inputs");
  const labels = candidatesIn(parameters);
  if (labels.length === 0) return required("parameters.candidate_labels");
  const all = texts.map((text) => fitting(given, text, labels));
  return says(Array.isArray(inputs) ? all : (all[0] ?? []));
};

function fitting({ ask, parameters }: Given, text: string, labels: readonly string[]): Label[] {
  const key = keyOf(ask);
  const vector = vectorFor(text, FITTING_LENGTH, key);
  const strengths = labels.map(
    (label) => 12 * cosine(vector, vectorFor(label, FITTING_LENGTH, key)) + 2 * ask.random() - 1,
  );
  return parameters.multi_label === true
    ? sigmoids(labels, strengths)
    : softmaxed(labels, strengths);
}

const FITTING_LENGTH = 256;

const GROUPS = ["PER", "LOC", "ORG", "MISC"] as const;
/** Words with a capital, one after the other; the first word of a sentence has one anyway. */
const NAMES = /\p{Lu}[\p{L}\p{N}'-]*(?: \p{Lu}[\p{L}\p{N}'-]*)*/gu;

/** Names by group. The default strategy is an aggregating one, as the clients want it. */
export const tokenClassification: Pipeline = ({ ask, inputs, parameters }) => {
  if (!isString(inputs)) return required("inputs");
  const plain = parameters.aggregation_strategy === "none";
  const names = [...inputs.matchAll(NAMES)].filter(
    ({ 0: name, index }) => name.includes(" ") || (name !== "I" && !startsSentence(inputs, index)),
  );
  return says(
    names.map(({ 0: word, index: start }, at) => {
      const group = GROUPS[hashOf(word) % GROUPS.length] ?? "MISC";
      const named = plain ? { entity: `I-${group}`, index: at + 1 } : { entity_group: group };
      return { ...named, score: score(ask.random), word, start, end: start + word.length };
    }),
  );
};

const startsSentence = (text: string, at: number): boolean =>
  /(^|[.!?]\s+)$/.test(text.slice(0, at));
const score = (random: Random): number => 0.9 + random() * 0.0999;
