import { isString, type Json } from "../json.js";
import { EMBEDDED_TEXTS_MAX, EMBEDDING_LENGTH_MAX } from "../limits.js";
import type { TaskEndpoint } from "../provider.js";
import { badRequest, json, type TaskAnswer } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import { base64Of, lengthOf, vectorFor } from "../text/vectors.js";
import { countText } from "../tokens.js";

type Habits = {
  /** Which models take `dimensions`; absent: all. */
  readonly dimensions?: RegExp;
  /** Absent: both. */
  readonly encodings?: readonly string[];
};

/** A route of OpenAI's form for embeddings, with one provider's differences. */
export const openAiEmbeddings = (path: string, habits: Habits = {}): TaskEndpoint => ({
  kind: "task",
  method: "POST",
  path,
  task: "feature-extraction",
  answer: (ask) => embed(ask, habits),
});

function embed(ask: TaskAsk, habits: Habits): TaskAnswer {
  const { model } = ask;
  if (model === "") return badRequest("model", "you must provide a model parameter");
  const inputs = readInputs(ask.json.input);
  if (isString(inputs)) return badRequest("input", inputs);
  const length = readLength(ask, habits);
  if (isString(length)) return badRequest("dimensions", length);
  const encoding = ask.json.encoding_format ?? "float";
  const encodings: readonly Json[] = habits.encodings ?? ["float", "base64"];
  if (!encodings.includes(encoding)) {
    return badRequest("encoding_format", `encoding_format must be one of ${encodings.join(", ")}`);
  }
  const key = keyOf(ask);
  const data = inputs.map(({ text }, index) => {
    const vector = vectorFor(text, length, key);
    const embedding = encoding === "base64" ? base64Of(vector) : [...vector];
    return { object: "embedding", index, embedding };
  });
  const promptTokens = inputs.reduce((sum, { tokens }) => sum + tokens, 0);
  const usage = { prompt_tokens: promptTokens, total_tokens: promptTokens };
  return json({ object: "list", data, model, usage }, { units: { promptTokens } });
}

/** Vectors of one model are near each other or not; those of two models have nothing in common. */
export const keyOf = ({ call, model }: TaskAsk): string =>
  `${call.state.options.seed} ${call.provider.id} ${model}`;

type Input = { readonly text: string; readonly tokens: number };

/** A text, texts, the ids of one text's tokens or of several; or why not. */
function readInputs(input: Json | undefined): readonly Input[] | string {
  if (input === undefined) return "missing field `input`";
  const list = Array.isArray(input) && !input.every(isNumber) ? input : [input];
  if (list.length > EMBEDDED_TEXTS_MAX) return `at most ${EMBEDDED_TEXTS_MAX} inputs`;
  const read = list.map(readInput);
  const made = read.filter((one) => one !== undefined);
  return made.length === read.length ? made : "input must be texts or tokens, none of them empty";
}

function readInput(one: Json): Input | undefined {
  if (isString(one)) return one === "" ? undefined : { text: one, tokens: countText(one) };
  const isTokens = Array.isArray(one) && one.length > 0 && one.every(isNumber);
  return isTokens ? { text: one.join(" "), tokens: one.length } : undefined;
}

const isNumber = (value: unknown): value is number => typeof value === "number";

function readLength({ json: body, model }: TaskAsk, { dimensions: takers }: Habits) {
  const asked = body.dimensions ?? undefined;
  if (asked === undefined) return lengthOf(model);
  if (takers && !takers.test(model)) return "This model does not support specifying dimensions.";
  const isLength = Number.isInteger(asked) && Number(asked) >= 1;
  if (!isLength || Number(asked) > EMBEDDING_LENGTH_MAX) {
    return `dimensions must be a whole number from 1 to ${EMBEDDING_LENGTH_MAX}`;
  }
  return Number(asked);
}
