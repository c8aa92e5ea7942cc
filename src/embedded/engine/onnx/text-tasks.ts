/** Text in, labels or text out. */
import { z } from "zod";
import {
  LABEL_CHARS_MAX,
  LABELS_MAX,
  OUTPUT_TOKENS_DEFAULT,
  TEXT_CHARS_MAX,
} from "../../limits.js";
import { badInput } from "../../refusal.js";
import type { Question } from "../engine.js";
import { readJson } from "../input.js";
import type { Loaded } from "./onnx-task.js";

const text = z.string().min(1, "is empty").max(TEXT_CHARS_MAX);
const topK = z.int().min(1).max(1_000).nullish();

/** A task's body with its own parameters; others are refused by name. */
const bodyOf = <Shape extends z.ZodRawShape>(parameters: Shape) =>
  z.object({ inputs: text, parameters: z.strictObject(parameters).nullish() });

export type Scored = { readonly label: string; readonly score: number };

const classifyBody = bodyOf({ top_k: topK });

export async function classify({ pipeline }: Loaded, { input }: Question): Promise<unknown> {
  const { inputs, parameters } = readJson(input, classifyBody);
  return [[await pipeline(inputs, { top_k: parameters?.top_k ?? 5 })].flat()];
}

const entitiesBody = bodyOf({
  aggregation_strategy: z.literal("simple", 'this engine does "simple" only').nullish(),
  ignore_labels: z.array(z.string()).max(LABELS_MAX).nullish(),
});

type Entity = { readonly entity_group: string; readonly score: number; readonly word: string };

export async function findEntities({ pipeline }: Loaded, { input }: Question): Promise<unknown> {
  const { inputs, parameters } = readJson(input, entitiesBody);
  const found = await pipeline(inputs, {
    aggregation_strategy: "simple",
    ...(parameters?.ignore_labels && { ignore_labels: parameters.ignore_labels }),
  });
  return withPlaces(inputs, found as readonly Entity[]);
}

/** The library does not say where a word stands, so each is looked for after the one before it. */
function withPlaces(text: string, entities: readonly Entity[]) {
  const lower = text.toLowerCase();
  let from = 0;
  return entities.map(({ entity_group, score, word }) => {
    const start = Math.max(lower.indexOf(word.toLowerCase(), from), from);
    const end = Math.min(start + word.length, text.length);
    from = end;
    return { entity_group, score, word, start, end };
  });
}

const maskBody = bodyOf({ top_k: topK });

export async function fillMask({ pipeline }: Loaded, { input }: Question): Promise<unknown> {
  const { inputs, parameters } = readJson(input, maskBody);
  const mask = pipeline.tokenizer?.mask_token ?? "[MASK]";
  if (!inputs.includes(mask)) throw badInput(`No mask_token (${mask}) found on the input`);
  return await pipeline(inputs, { top_k: parameters?.top_k ?? 5 });
}

const questionBody = z.object({
  inputs: z.object({ question: text, context: text }),
  parameters: z.strictObject({ top_k: topK }).nullish(),
});

type Found = { readonly answer: string; readonly score: number };

export async function answerQuestion({ pipeline }: Loaded, { input }: Question): Promise<unknown> {
  const { inputs, parameters } = readJson(input, questionBody);
  const { question, context } = inputs;
  const found = await pipeline(question, context, { top_k: parameters?.top_k ?? 1 });
  const answers = ([found].flat() as readonly Found[]).map(({ answer, score }) => {
    const start = Math.max(0, context.toLowerCase().indexOf(answer.toLowerCase()));
    return { answer, score, start, end: start + answer.length };
  });
  return (parameters?.top_k ?? 1) > 1 ? answers : answers[0];
}

const label = z.string().trim().min(1, "is empty").max(LABEL_CHARS_MAX);

const zeroShotBody = z.object({
  inputs: text,
  parameters: z.strictObject({
    candidate_labels: z
      .array(label)
      .min(1, "is empty")
      .max(LABELS_MAX, `takes at most ${LABELS_MAX} labels`),
    hypothesis_template: z.string().max(TEXT_CHARS_MAX).includes("{}").nullish(),
    multi_label: z.boolean().nullish(),
  }),
});

export async function chooseLabels({ pipeline }: Loaded, { input }: Question): Promise<Scored[]> {
  const { inputs, parameters } = readJson(input, zeroShotBody);
  const { candidate_labels, hypothesis_template, multi_label } = parameters;
  const { labels, scores } = (await pipeline(inputs, candidate_labels, {
    multi_label: multi_label === true,
    ...(hypothesis_template && { hypothesis_template }),
  })) as { readonly labels: readonly string[]; readonly scores: readonly number[] };
  return labels.map((each, i) => ({ label: each, score: scores[i] ?? 0 }));
}

const newTokens = z.int().min(1).max(4_096).nullish();

const generationBody = bodyOf({
  max_new_tokens: newTokens,
  temperature: z.number().gt(0).max(100).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(1).nullish(),
  repetition_penalty: z.number().gt(0).nullish(),
  do_sample: z.boolean().nullish(),
  return_full_text: z.boolean().nullish(),
});

export async function goOn({ pipeline }: Loaded, { input }: Question): Promise<unknown> {
  const { inputs, parameters } = readJson(input, generationBody);
  return await pipeline(inputs, {
    ...limited(parameters),
    return_full_text: parameters?.return_full_text === true,
  });
}

const summaryBody = bodyOf({
  generate_parameters: z.strictObject({ max_new_tokens: newTokens }).nullish(),
});

export async function summarize({ pipeline }: Loaded, { input }: Question): Promise<unknown> {
  const { inputs, parameters } = readJson(input, summaryBody);
  return await pipeline(inputs, limited(parameters?.generate_parameters));
}

const translationBody = z.object({
  inputs: z.union([text, z.array(text).min(1).max(32)], "expected a text, or 1 to 32 texts"),
  parameters: z
    .strictObject({
      src_lang: z.string().nullish(),
      tgt_lang: z.string().nullish(),
      generate_parameters: z.strictObject({ max_new_tokens: newTokens }).nullish(),
    })
    .nullish(),
});

export async function translate({ pipeline }: Loaded, { input }: Question): Promise<unknown> {
  const { inputs, parameters } = readJson(input, translationBody);
  const { generate_parameters, ...languages } = parameters ?? {};
  return await pipeline(inputs, { ...said(languages), ...limited(generate_parameters) });
}

/** Without what is not said; with a limit in any case. */
const limited = (given: object | null | undefined): object => ({
  max_new_tokens: OUTPUT_TOKENS_DEFAULT,
  ...said(given ?? {}),
});

const said = (given: object): object =>
  Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== null && value !== undefined),
  );
