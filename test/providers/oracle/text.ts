/** Text, and all that hf-inference does. */
import type { Json } from "../../../src/tasks/task-call.js";
import { hfInferenceRows } from "./hf-inference.js";
import { type OracleRow, type Sent, withJson } from "./row.js";

const prompt = "Paris is";
const parameters = { max_new_tokens: 10, temperature: 0, stop: ["."] };
const extra = { seed: 1, user: "ada" };

type Row = Omit<OracleRow, "provider">;
type Who = OracleRow["provider"];

const completionRows = (provider: Who, but?: OracleRow["but"]): OracleRow[] =>
  (
    [
      { how: "plain", inputs: prompt },
      { how: "with parameters", inputs: prompt, parameters },
      { how: "with more", inputs: prompt, parameters, extra },
    ] satisfies Omit<Row, "task">[]
  ).map((row) => ({ provider, task: "text-generation", ...row, ...(but && { but }) }));

const embeddingRows = (provider: Who, optionsBut?: OracleRow["but"]): OracleRow[] => [
  { provider, task: "feature-extraction", how: "one text", inputs: "a" },
  {
    provider,
    task: "feature-extraction",
    how: "texts with options",
    inputs: ["a", "b"],
    parameters: { dimensions: 64 },
    extra: { user: "ada" },
    ...(optionsBut && { but: optionsBut }),
  },
  {
    provider,
    task: "feature-extraction",
    how: "as base64",
    inputs: "a",
    extra: { encoding_format: "base64" },
    ...(!optionsBut && { but: plainNumbers }),
  },
];

/** The client's payload, flattened as the canonical mapping has it. */
function flattened({ inputs, parameters: nested, prompt: _, ...json }: Json): Json {
  const { max_new_tokens: max, ...rest } = (nested ?? {}) as Json;
  return { ...json, ...(max !== undefined && { max_tokens: max }), ...rest, prompt: inputs };
}

const nestedBut: OracleRow["but"] = {
  why: "the client leaves parameters nested, where the provider ignores them",
  ours: withJson(flattened),
};

const plainNumbers: NonNullable<OracleRow["but"]> = {
  why: "we always ask for plain numbers and write them as the caller wants",
  ours: withJson(({ encoding_format: _, ...json }) => json),
};

const asChat = (json: Json): Json => {
  const { prompt: content, ...rest } = flattened(json);
  return { ...rest, messages: [{ role: "user", content }] };
};

const at = (path: string, change: (json: Json) => Json) => (theirs: Sent) => ({
  ...withJson(change)(theirs),
  url: new URL(path, theirs.url).href,
});

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
  ...completionRows("deepinfra"),
  ...completionRows("featherless-ai"),
  ...completionRows("ovhcloud"),
  ...completionRows("together", nestedBut),
  ...completionRows("scaleway", nestedBut),
  ...completionRows("novita", {
    why: "the client posts the Hub's payload to the chat route, which refuses it",
    ours: at("/v3/openai/completions", flattened),
  }),
  ...completionRows("groq", {
    why: "the client posts the Hub's payload to the chat route without messages",
    ours: at("/openai/v1/chat/completions", asChat),
  }),
  ...embeddingRows("deepinfra"),
  ...embeddingRows("together"),
  ...embeddingRows("scaleway", {
    why: "the client drops all options; Python's sends them, and Scaleway knows dimensions",
    ours: withJson((json) => ({ ...json, dimensions: 64, user: "ada" })),
  }),
];
