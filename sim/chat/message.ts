import type { Ids } from "../ids.js";
import type { Json, JsonObject } from "../json.js";
import { type Piece, textOf } from "../tokens.js";
import type { Answer, Choice, ToolCall } from "./answer.js";
import type { ChatAsk } from "./ask.js";
import type { ChatDialect } from "./dialect.js";

/** A whole answer in the provider's form. */
export function plainBody(answer: Answer, dialect: ChatDialect, ids: Ids): Json {
  const choices = answer.choices.map((choice, index) => ({
    index,
    message: messageOf(choice, dialect, ids),
    finish: dialect.finish(choice.finish),
    logprobs: logprobsOf(choice.content, answer.ask, dialect, false),
  }));
  const usage = dialect.usage(answer.usage, answer.head);
  return dialect.plain({ ask: answer.ask, head: answer.head, choices, usage });
}

function messageOf(choice: Choice, dialect: ChatDialect, ids: Ids): JsonObject {
  const thoughts = choice.reasoning.length > 0 && dialect.reasoning !== "hidden";
  return {
    role: "assistant",
    content: choice.toolCall ? null : textOf(choice.content),
    ...(thoughts ? { [dialect.reasoning]: textOf(choice.reasoning) } : {}),
    ...(choice.toolCall ? { tool_calls: [wholeCall(choice.toolCall, dialect, ids)] } : {}),
  };
}

export const wholeCall = (call: ToolCall, dialect: ChatDialect, ids: Ids): JsonObject => ({
  id: dialect.toolCallId(ids),
  type: "function",
  function: { name: call.name, arguments: textOf(call.args) },
});

export const logprobsOf = (
  pieces: readonly Piece[],
  ask: ChatAsk,
  dialect: ChatDialect,
  streamed: boolean,
): Json | undefined =>
  ask.logprobs === undefined ? undefined : dialect.logprobs(pieces, ask.logprobs, streamed);
