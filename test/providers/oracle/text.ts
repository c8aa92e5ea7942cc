/** Text, and all that hf-inference does. */
import { hfInferenceRows } from "./hf-inference.js";
import type { OracleRow } from "./row.js";

const prompt = "Paris is";
const parameters = { max_new_tokens: 10, temperature: 0, stop: ["."] };

const completionRows = (
  provider: OracleRow["provider"],
  but?: OracleRow["but"],
): readonly OracleRow[] =>
  [
    { how: "plain", inputs: prompt },
    { how: "with parameters", inputs: prompt, parameters },
    { how: "with more", inputs: prompt, parameters, extra: { seed: 1, user: "ada" } },
  ].map((row) => ({ provider, task: "text-generation", ...row, ...(but && { but }) }));

export const textRows: readonly OracleRow[] = [
  ...hfInferenceRows,
  ...completionRows("hf-inference"),
  {
    provider: "hf-inference",
    task: "text-generation",
    how: "with a parameter of Text Generation Inference's own",
    inputs: prompt,
    parameters: { max_new_tokens: 10, top_n_tokens: 2 },
    but: {
      why: "only its own form knows that parameter; it is what Python's client sends",
      ours: (theirs) => ({
        ...theirs,
        url: theirs.url.replace("/v1/completions", ""),
        json: { inputs: prompt, parameters: { max_new_tokens: 10, top_n_tokens: 2 } },
      }),
    },
  },
  {
    provider: "deepinfra",
    task: "feature-extraction",
    how: "texts with options",
    inputs: ["a", "b"],
    parameters: { dimensions: 64 },
    extra: { user: "ada" },
  },
];
