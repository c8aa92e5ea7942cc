import { isString } from "../json.js";
import { numberAt } from "../task/read.js";
import { countText, prose, textOf } from "../tokens.js";
import { imageIn } from "./files.js";
import { type Given, type Pipeline, required, says } from "./pipeline.js";

const write = ({ ask }: Given, tokens: number): string =>
  textOf(prose(ask.random, Math.max(1, tokens), ask.dials.unicode === true));

/** The beginning of what was given: a summary that is at least true. */
export const summarization: Pipeline = ({ inputs }) => {
  const texts = Array.isArray(inputs) ? inputs : [inputs];
  if (!texts.every(isString)) return required("inputs");
  return says(texts.map((text) => ({ summary_text: firstSentence(text) })));
};

const SUMMARY_CHARACTERS_MAX = 300;

const firstSentence = (text: string): string =>
  (/^.*?[.!?](?=\s|$)/s.exec(text)?.[0] ?? text).slice(0, SUMMARY_CHARACTERS_MAX).trim();

/** As many words as were given, of no language in particular. */
export const translation: Pipeline = (given) => {
  const texts = Array.isArray(given.inputs) ? given.inputs : [given.inputs];
  if (!texts.every(isString)) return required("inputs");
  return says(texts.map((text) => ({ translation_text: write(given, countText(text)) })));
};

/** A list on every recording, though one of the two clients wants an object. */
export const imageToText: Pipeline = (given) => {
  const image = imageIn(given, given.inputs);
  if ("refused" in image) return image;
  const tokens = numberAt(given.parameters, "max_new_tokens") ?? CAPTION_TOKENS;
  return says([{ generated_text: write(given, Math.min(tokens, CAPTION_TOKENS)) }]);
};

const CAPTION_TOKENS = 9;
