import type { Finish, Usage } from "../chat/answer.js";
import { readAsk } from "../chat/ask.js";
import type { ChatDialect, ChunkFacts, PlainFacts, StreamHabits } from "../chat/dialect.js";
import { eventsFor } from "../chat/events.js";
import type { Json, JsonObject } from "../json.js";
import type { Piece } from "../tokens.js";

/** OpenAI's own stream habits; most providers that serve with vLLM or SGLang follow them. */
const HABITS: StreamHabits = {
  role: "own-empty",
  finish: "own",
  usage: "asked",
  usageNull: "never",
  done: true,
  wholeToolCalls: false,
};

export type Changes = Partial<Omit<ChatDialect, "stream">> & {
  readonly stream?: Partial<StreamHabits>;
};

/** OpenAI chat completions with one provider's differences. */
export function openAiChat(changes: Changes = {}): ChatDialect {
  return {
    read: readAsk,
    formats: ["json_object", "json_schema"],
    bodyId: (ids) => `chatcmpl-${ids.hex(32)}`,
    fingerprint: (ids) => `fp_${ids.hex(10)}`,
    finish: (finish: Finish) => finish,
    reasoning: "reasoning_content",
    toolCallId: (ids) => `call_${ids.alphanumeric(24)}`,
    logprobs: openAiLogprobs,
    usage: countsWhenKnown,
    chunk: openAiChunk,
    plain: openAiPlain,
    events: eventsFor,
    headers: () => ({}),
    ...changes,
    stream: { ...HABITS, ...changes.stream },
  };
}

export const openAiChunk = ({ head, choice, usage }: ChunkFacts): JsonObject => ({
  id: head.id,
  object: "chat.completion.chunk",
  created: head.created,
  model: head.model,
  choices: choice
    ? [
        {
          index: choice.index,
          delta: choice.delta,
          logprobs: choice.logprobs ?? null,
          finish_reason: choice.finish,
        },
      ]
    : [],
  usage,
});

export const openAiPlain = ({ head, choices, usage }: PlainFacts): JsonObject => ({
  id: head.id,
  object: "chat.completion",
  created: head.created,
  model: head.model,
  choices: choices.map((choice) => ({
    index: choice.index,
    message: choice.message,
    logprobs: choice.logprobs ?? null,
    finish_reason: choice.finish,
  })),
  usage,
});

/** Adds fields to every choice of a chunk or a plain answer. */
export function withChoices(
  body: JsonObject,
  change: (choice: JsonObject) => JsonObject,
): JsonObject {
  const { choices } = body;
  if (!Array.isArray(choices)) return body;
  return { ...body, choices: choices.map((choice) => change(choice as JsonObject)) };
}

/** A choice without its `logprobs`, for providers that print the key only when asked. */
export const logprobsWhenAsked = (choice: JsonObject): JsonObject =>
  choice.logprobs === null ? { ...choice, logprobs: undefined } : choice;

/** vLLM's own field, null where no stop sequence was met, on the choice that finishes. */
export const stopReasonAtEnd = (choice: JsonObject): JsonObject =>
  choice.finish_reason === null ? choice : { ...choice, stop_reason: null };

export const counts = (usage: Usage): JsonObject => ({
  prompt_tokens: usage.prompt,
  completion_tokens: usage.completion,
  total_tokens: usage.prompt + usage.completion,
});

/** The three counts, and details only where there is something to say. */
export const countsWhenKnown = (usage: Usage): JsonObject => ({
  ...counts(usage),
  ...(usage.cached > 0 ? { prompt_tokens_details: { cached_tokens: usage.cached } } : {}),
  ...(usage.reasoning > 0
    ? { completion_tokens_details: { reasoning_tokens: usage.reasoning } }
    : {}),
});

const logprobOf = (piece: Piece, rank: number): number =>
  -((piece.tokenId % 97) + 1) / 1000 - rank * 1.5;

const bytesOf = (text: string): number[] => [...new TextEncoder().encode(text)];

const tokenLogprob = (piece: Piece, top: number): JsonObject => ({
  token: piece.text,
  logprob: logprobOf(piece, 0),
  bytes: bytesOf(piece.text),
  top_logprobs: Array.from({ length: top }, (_, rank) => {
    const token = rank === 0 ? piece.text : `${piece.text}${rank}`;
    return { token, logprob: logprobOf(piece, rank), bytes: bytesOf(token) };
  }),
});

const openAiLogprobs = (pieces: readonly Piece[], top: number): Json => ({
  content: pieces.map((piece) => tokenLogprob(piece, top)),
  refusal: null,
});
