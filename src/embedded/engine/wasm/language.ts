/** fastText's lid.176: the language of a text. */
import { getLIDModel } from "fasttext.wasm.js";
import { z } from "zod";
import { TEXT_CHARS_MAX, TEXTS_MAX } from "../../limits.js";
import { jsonAnswer, type LoadedModel, type Question } from "../engine.js";
import { readJson } from "../input.js";

const LABELS = 176;
const TOP_DEFAULT = 5;

type Model = Awaited<ReturnType<Awaited<ReturnType<typeof getLIDModel>>["load"]>>;

export async function loadLanguage(): Promise<LoadedModel> {
  const model = await (await getLIDModel()).load();
  return {
    answer: async (question) => jsonAnswer(languagesOf(model, question)),
    unload: () => {},
  };
}

const text = z.string().min(1, "is empty").max(TEXT_CHARS_MAX);

const body = z.object({
  inputs: z.union(
    [text, z.array(text).min(1).max(TEXTS_MAX)],
    `expected a text, or 1 to ${TEXTS_MAX} texts`,
  ),
  parameters: z
    .strictObject({
      top_k: z.int().min(1).max(LABELS).nullish(),
      function_to_apply: z.literal("softmax", 'this model does "softmax" only').nullish(),
    })
    .nullish(),
});

type Scored = { readonly label: string; readonly score: number };

/** One list for every text. */
function languagesOf(model: Model, { input }: Question): Scored[][] {
  const { inputs, parameters } = readJson(input, body);
  return [inputs].flat().map((each) => identify(model, each, parameters?.top_k ?? TOP_DEFAULT));
}

function identify(model: Model, text: string, top: number): Scored[] {
  // The model reads one line.
  const found = model.predict(text.replace(/\s+/g, " "), top, 0);
  return Array.from({ length: found.size() }, (_, i) => {
    const [score, label] = found.get(i);
    return { label: label.replace("__label__", ""), score: Math.min(1, score) };
  });
}
