import type { Json, JsonObject } from "../json.js";
import type { Random } from "../random.js";

export type Label = { readonly label: string; readonly score: number };

/** Strengths as shares of one, the strongest first. */
export function softmaxed(labels: readonly string[], strengths: readonly number[]): Label[] {
  const powers = strengths.map((strength) => Math.exp(strength));
  const sum = powers.reduce((total, power) => total + power, 0);
  return sorted(labels.map((label, at) => ({ label, score: (powers[at] ?? 0) / sum })));
}

/** Each strength by itself between 0 and 1, the strongest first. */
export const sigmoids = (labels: readonly string[], strengths: readonly number[]): Label[] =>
  sorted(labels.map((label, at) => ({ label, score: 1 / (1 + Math.exp(-(strengths[at] ?? 0))) })));

const sorted = (labels: Label[]): Label[] => labels.sort((a, b) => b.score - a.score);

/** One label stands out, as trained classifiers have it. */
export const guessed = (labels: readonly string[], random: Random): number[] =>
  labels.map(() => random() * 7);

/** The best few as they are printed, by the parameters `function_to_apply` and `top_k`. */
export function classes(
  labels: readonly string[],
  strengths: readonly number[],
  parameters: JsonObject,
): Json {
  const { function_to_apply: apply, top_k: top } = parameters;
  const made =
    apply === "sigmoid"
      ? sigmoids(labels, strengths)
      : apply === "none"
        ? sorted(labels.map((label, at) => ({ label, score: strengths[at] ?? 0 })))
        : softmaxed(labels, strengths);
  return made.slice(0, typeof top === "number" ? top : DEFAULT_TOP);
}

const DEFAULT_TOP = 5;

/** `candidate_labels`: a list, or one text with commas. */
export function candidatesIn(parameters: JsonObject): string[] {
  const { candidate_labels: given } = parameters;
  const list = Array.isArray(given) ? given : typeof given === "string" ? given.split(",") : [];
  return list.map((one) => String(one).trim()).filter((one) => one !== "");
}
