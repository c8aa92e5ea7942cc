import { type ChatAsk, type Read, readLengths, readStop, refuse } from "../chat/ask.js";
import type { ChatDialect, ChunkFacts, PlainFacts } from "../chat/dialect.js";
import { isObject, isString, type Json, type JsonObject } from "../json.js";
import { CHOICES_MAX } from "../limits.js";
import type { Piece } from "../tokens.js";
import { type Changes, openAiChat } from "./openai-chat.js";

/**
 * OpenAI's older route, `/v1/completions`, as vLLM serves it: a prompt in, its continuation out. To the rest of
 * the simulator it is a chat of one message without a template, printed with `text` in place of messages.
 */
export const openAiCompletions = ({ stream, ...changes }: Changes = {}): ChatDialect =>
  openAiChat({
    read: readCompletion,
    bodyId: (ids) => `cmpl-${ids.hex(32)}`,
    logprobs: completionLogprobs,
    chunk: completionChunk,
    plain: completionPlain,
    ...changes,
    stream: { role: "every", ...stream },
  });

function readCompletion(body: unknown, modelInPath: string | undefined): Read {
  if (!isObject(body)) return refuse("body", "the body must be a JSON object");
  const model = modelInPath ?? body.model;
  if (!isString(model) || model === "") {
    return refuse("model", "you must provide a model parameter");
  }
  const prompts = Array.isArray(body.prompt) ? body.prompt : [body.prompt];
  if (body.prompt === undefined) return refuse("prompt", "missing field `prompt`");
  if (prompts.length === 0 || !prompts.every(isString)) {
    return refuse("prompt", "prompt must be a string or a list of strings");
  }
  const lengths = readLengths(body);
  if (!lengths.ok) return lengths;
  const choices = lengths.choices * prompts.length;
  if (choices > CHOICES_MAX) return refuse("prompt", `at most ${CHOICES_MAX} choices`);
  return { ok: true, ask: { ...continued(body, model, prompts), ...lengths, choices } };
}

type Lengths = "maxTokens" | "choices";

/** Text to be continued, as the rest of the simulator takes it. Thoughts belong to chat. */
export const continued = (
  body: JsonObject,
  model: string,
  prompts: readonly string[],
): Omit<ChatAsk, Lengths> => ({
  body,
  model,
  messages: prompts.map((content) => ({ role: "user", content })),
  stream: body.stream === true,
  includeUsage: isObject(body.stream_options) && body.stream_options.include_usage === true,
  stop: readStop(body.stop),
  tools: [],
  toolChoice: "none",
  format: undefined,
  logprobs: typeof body.logprobs === "number" ? body.logprobs : undefined,
  effort: "none",
  raw: true,
});

export const completionChunk = ({ head, choice, usage }: ChunkFacts): JsonObject => ({
  id: head.id,
  object: "text_completion",
  created: head.created,
  model: head.model,
  choices: choice
    ? [
        {
          index: choice.index,
          text: choice.piece?.text ?? "",
          logprobs: choice.logprobs ?? null,
          finish_reason: choice.finish,
        },
      ]
    : [],
  usage,
});

export const completionPlain = ({ head, choices, usage }: PlainFacts): JsonObject => ({
  id: head.id,
  object: "text_completion",
  created: head.created,
  model: head.model,
  choices: choices.map(({ index, message, logprobs, finish }) => ({
    index,
    text: message.content,
    logprobs: logprobs ?? null,
    finish_reason: finish,
  })),
  usage,
});

/** Parallel lists, as OpenAI documents them for this route. */
function completionLogprobs(pieces: readonly Piece[], top: number): Json {
  let offset = 0;
  const offsets = pieces.map(({ text }) => {
    const at = offset;
    offset += text.length;
    return at;
  });
  const values = pieces.map((piece) => -((piece.tokenId % 97) + 1) / 1000);
  return {
    tokens: pieces.map(({ text }) => text),
    token_logprobs: values,
    top_logprobs: pieces.map(({ text }, at) => (top > 0 ? { [text]: values[at] ?? 0 } : {})),
    text_offset: offsets,
  };
}
