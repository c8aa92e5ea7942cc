import type { ChatDialect, ChunkFacts, PlainFacts } from "../chat/dialect.js";
import { countsWhenKnown } from "../families/openai-chat.js";
import { openAiCompletions } from "../families/openai-completions.js";
import type { Json, JsonObject } from "../json.js";
import { hashOf } from "../random.js";
import type { Piece } from "../tokens.js";

/** Printed by the real one as a number too large for a double, so the last digits are zeros. */
export const seedOf = (id: string): number => hashOf(id) * 4_294_967_296;

export const END_TOKEN = 128_009;

const logprobOf = (piece: Piece): number => -((piece.tokenId % 97) + 1) / 1000;

/** Together's own form: parallel lists; in a stream one number per chunk. */
export function togetherLogprobs(pieces: readonly Piece[], _top: number, streamed: boolean): Json {
  const values = pieces.map(logprobOf);
  if (streamed) return values[0] ?? null;
  return {
    tokens: pieces.map((piece) => piece.text),
    token_logprobs: values,
    token_ids: pieces.map((piece) => piece.tokenId),
  };
}

/** The text is there as `text` and as the `token` that its SDK types; the finish is there twice, too. */
function chunk({ head, choice, usage }: ChunkFacts): JsonObject {
  const { id, created, model } = head;
  const text = choice?.piece?.text ?? "";
  const finish = choice?.finish ?? null;
  const seed = finish === null ? null : seedOf(id);
  return {
    id,
    object: "completion.chunk",
    created,
    token: {
      id: choice?.piece?.tokenId ?? END_TOKEN,
      text,
      logprob: choice?.piece ? logprobOf(choice.piece) : 0,
      special: choice?.piece === undefined,
    },
    choices: choice
      ? [
          {
            index: choice.index,
            text,
            logprobs: choice.logprobs ?? null,
            finish_reason: finish,
            seed,
          },
        ]
      : [],
    model,
    finish_reason: finish,
    seed,
    usage,
  };
}

const plain = ({ head, choices, usage }: PlainFacts): JsonObject => ({
  id: head.id,
  object: "text.completion",
  created: head.created,
  model: head.model,
  prompt: [],
  choices: choices.map((choice) => ({
    text: choice.message.content,
    finish_reason: choice.finish,
    seed: seedOf(head.id),
    logprobs: choice.logprobs ?? null,
    index: choice.index,
  })),
  usage,
});

/** `/v1/completions`. Plain answers as on recordings of 2025-01; the stream as its SDK types it. */
export const togetherCompletions: ChatDialect = openAiCompletions({
  bodyId: (ids) => ids.hex(16),
  finish: (finish) => (finish === "stop" ? "eos" : finish),
  usage: countsWhenKnown,
  stream: { finish: "last-token", usage: "always", usageNull: "always" },
  logprobs: togetherLogprobs,
  chunk,
  plain,
});
