import type { Answer, Choice, Finish } from "../chat/answer.js";
import { type ChatAsk, type Read, readStop, refuse } from "../chat/ask.js";
import type { ChatDialect, PlainFacts, Speaking } from "../chat/dialect.js";
import type { Event } from "../chat/sse.js";
import { grouped } from "../chat/steps.js";
import { openAiChat } from "../families/openai-chat.js";
import { continued } from "../families/openai-completions.js";
import { isObject, isString, type Json, type JsonObject } from "../json.js";
import { CHOICES_MAX } from "../limits.js";
import { numberAt } from "../task/read.js";
import { countText, type Piece, piecesOf, textOf } from "../tokens.js";
import { PIPELINE } from "./pipeline.js";

/** On recordings the sum of both was bound so. */
const TOKENS_MAX = 4_096;
const NEW_TOKENS = 100;

/**
 * Models that no Text Generation Inference serves, but a pipeline: it knows fewer parameters. The list of names is
 * from recordings of both kinds of pipeline.
 */
const IN_A_PIPELINE = /flan-t5-(small|base|large)$|^gpt2$/;
const NOT_OF_PIPELINES = ["watermark", "stop", "details", "decoder_input_details"];
const NOT_OF_TEXT_TO_TEXT = ["return_full_text", ...NOT_OF_PIPELINES];

const isTextToText = (model: string): boolean => /t5|bart|pegasus/i.test(model);

/** `{inputs, parameters, stream}`, as Text Generation Inference takes it. */
function read(body: unknown, model = ""): Read {
  if (!isObject(body)) return refuse("body", "missing field `inputs`");
  const { inputs } = body;
  if (inputs === undefined || inputs === null) return refuse("inputs", "missing field `inputs`");
  if (!isString(inputs)) {
    const type = Array.isArray(inputs) ? "sequence" : isObject(inputs) ? "map" : typeof inputs;
    return refuse("type", `inputs: invalid type: ${type}, expected a string at line 1 column 11`);
  }
  const parameters = parametersOf(body);
  const unused = unusedBy(model).filter((name) => (parameters[name] ?? null) !== null);
  if (unused.length > 0) return refuse(PIPELINE, unusedKwargs(unused));
  const maxTokens = numberAt(parameters, "max_new_tokens") ?? NEW_TOKENS;
  const given = countText(inputs);
  const late = body.stream === true;
  if (given + maxTokens > TOKENS_MAX) return { ...tooLong(given, maxTokens), late };
  const choices = numberAt(parameters, "best_of") ?? 1;
  if (choices > CHOICES_MAX) {
    const why = `\`best_of\` must be > 0 and <= ${CHOICES_MAX}. Given: ${choices}`;
    return { ...refuse("best_of", why), late };
  }
  const stop = readStop(parameters.stop ?? parameters.stop_sequences);
  // Details are made of the tokens, which are what log probabilities are printed from.
  const logprobs = parameters.details === true ? 0 : undefined;
  const ask = { ...continued(body, model, [inputs]), maxTokens, choices, stop, logprobs };
  return { ok: true, ask };
}

const tooLong = (given: number, maxTokens: number) =>
  refuse(
    "inputs",
    `\`inputs\` tokens + \`max_new_tokens\` must be <= ${TOKENS_MAX}. Given: ${given} \`inputs\` tokens and ${maxTokens} \`max_new_tokens\``,
  );

function unusedBy(model: string): readonly string[] {
  if (!IN_A_PIPELINE.test(model)) return [];
  return isTextToText(model) ? NOT_OF_TEXT_TO_TEXT : NOT_OF_PIPELINES;
}

/** The brackets are what Python's client reads the names from, to try again without them. */
const unusedKwargs = (names: readonly string[]): string =>
  `The following \`model_kwargs\` are not used by the model: [${names.map((name) => `'${name}'`).join(", ")}] (note: typos in the generate arguments will also show up in this list)`;

const parametersOf = (body: JsonObject): JsonObject =>
  isObject(body.parameters) ? body.parameters : {};

/** A pipeline repeats the prompt unless told otherwise; a stream does not. */
function wantsFullText({ body, model, stream }: ChatAsk): boolean {
  const { return_full_text: full } = parametersOf(body);
  return typeof full === "boolean" ? full : !stream && !isTextToText(model);
}

const promptOf = ({ body }: ChatAsk): string => (isString(body.inputs) ? body.inputs : "");
const withPrompt = (ask: ChatAsk, text: string): string =>
  wantsFullText(ask) ? promptOf(ask) + text : text;

const logprobOf = ({ tokenId }: Piece): number => -((tokenId % 97) + 1) / 100;

const tokenOf = (piece: Piece): JsonObject => ({
  id: piece.tokenId,
  text: piece.text,
  logprob: logprobOf(piece),
  special: false,
});

const FINISHES: { readonly [finish in Finish]: string } = {
  stop: "eos_token",
  length: "length",
  tool_calls: "eos_token",
};

/** A list of one, on every recording. */
function plain({ ask, choices }: PlainFacts): Json {
  const [first, ...others] = choices.map(({ message, finish, logprobs }) => {
    const generated = withPrompt(ask, isString(message.content) ? message.content : "");
    return { generated_text: generated, details: detailsOf(ask, finish, logprobs) };
  });
  if (!first || first.details === undefined)
    return [{ generated_text: first?.generated_text ?? "" }];
  const sequences = others.map(({ generated_text, details }) => ({ generated_text, ...details }));
  const best = sequences.length > 0 ? { best_of_sequences: sequences } : {};
  return [{ ...first, details: { ...first.details, ...best } }];
}

function detailsOf(ask: ChatAsk, finish: string, tokens: Json | undefined) {
  if (!Array.isArray(tokens)) return undefined;
  const { decoder_input_details: withPrefill } = parametersOf(ask.body);
  return {
    finish_reason: finish,
    generated_tokens: tokens.length,
    seed: seedOf(ask),
    prefill: withPrefill === true ? prefillOf(ask) : [],
    tokens,
  };
}

/** Only what was sampled has a seed. */
function seedOf({ body }: ChatAsk): number | null {
  const parameters = parametersOf(body);
  return numberAt(parameters, "seed") ?? (parameters.do_sample === true ? SAMPLED_SEED : null);
}

const SAMPLED_SEED = 2_835_381_823_020_158;

const prefillOf = (ask: ChatAsk): Json =>
  piecesOf(promptOf(ask)).map((piece, at) => ({
    id: piece.tokenId,
    text: piece.text,
    logprob: at === 0 ? null : logprobOf(piece),
  }));

/** An event for each token; the last one holds the whole text, and no `[DONE]` follows. */
function events({ ask, choices, usage }: Answer, { dials }: Speaking): Event[] {
  const [choice] = choices;
  if (!choice) return [];
  const pieces = grouped(choice.content, dials);
  const steps = pieces.map((piece) => ({ token: tokenOf(piece), tokens: piece.tokens }));
  // A text that ended by itself ends with a token of its own, which is not part of it.
  if (choice.finish !== "length") steps.push({ token: END, tokens: 0 });
  return steps.map(({ token, tokens }, at) => {
    const last = at === steps.length - 1;
    const end = last ? endOf(ask, choice, usage.prompt, steps.length) : {};
    const body = { index: at + 1, token, generated_text: null, details: null, ...end };
    return { text: `data: ${JSON.stringify(body)}\n\n`, tokens };
  });
}

const END: JsonObject = { id: 2, text: "</s>", logprob: -0.001, special: true };

const endOf = (ask: ChatAsk, choice: Choice, prompt: number, generated: number): JsonObject => ({
  generated_text: withPrompt(ask, textOf(choice.content)),
  details:
    ask.logprobs === undefined
      ? null
      : {
          finish_reason: FINISHES[choice.finish],
          generated_tokens: generated,
          seed: seedOf(ask),
          input_length: prompt,
        },
});

/** Text Generation Inference's own route, as on recordings of 2024-05 to 2025-04. */
export const generate: ChatDialect = openAiChat({
  read,
  bodyId: () => "",
  finish: (finish) => FINISHES[finish],
  logprobs: (pieces) => pieces.map(tokenOf),
  plain,
  events,
});
