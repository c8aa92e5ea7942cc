/**
 * Cohere's `/v2/chat`, answers and events. What the provider sends goes to the caller byte for byte: nothing is added
 * while all goes well. Source: the types of `cohere-ai` 8.1 (V2ChatResponse, V2ChatStreamResponse), read 2026-11-28.
 */
import { parseUsage } from "../../tasks/openai-usage.js";
import type { Json } from "../../tasks/task-call.js";
import type { Usage } from "../../tasks/usage.js";
import { asObject } from "../as-object.js";
import type { ChatEvent } from "../chat-event.js";
import { dataOf, latin1Of } from "../sse.js";
import type { StreamDialect, StreamEnd } from "./dialect.js";

export const cohereDialect: StreamDialect = {
  read,
  complete: ({ lastWords }) => lastWords,
  stop: (end, message) =>
    endEvent(end, { finish_reason: "MAX_TOKENS" }, { stopped: "insufficient_credit", message }) +
    "data: [DONE]\n\n",
  breakOff: (end, { message, code, inferenceId }) =>
    endEvent(end, { finish_reason: "ERROR", error: message }, { code, inference_id: inferenceId }),
};

function read(event: string): ChatEvent {
  const data = dataOf(event);
  if (data === "[DONE]") return { kind: "done", text: event };
  // A comment goes on as well.
  const said = asObject(data === "" ? {} : JSON.parse(data));
  if (!said) throw new SyntaxError("an event is no object");
  const isEnd = said.type === "message-end";
  const delta = asObject(said.delta);
  return {
    kind: "chunk",
    text: event,
    output: textIn(asObject(delta?.message)),
    isFinish: isEnd,
    isLast: isEnd,
    usage: isEnd ? cohereUsage(delta?.usage) : undefined,
    data: data || "{}",
  };
}

/** What is charged comes before what was merely read and written. */
export function cohereUsage(value: unknown): Usage | undefined {
  const usage = asObject(value);
  for (const counts of [asObject(usage?.billed_units), asObject(usage?.tokens)]) {
    const found = parseUsage({
      prompt_tokens: counts?.input_tokens,
      completion_tokens: counts?.output_tokens,
      cached_tokens: usage?.cached_tokens,
    });
    if (found) return found;
  }
  return undefined;
}

/** All that was generated in a plain answer. */
export const cohereText = (answer: Json): string => textIn(asObject(answer.message));

/** Text stands in lists in a whole message, and alone in a part of one. */
function textIn(message: Json | undefined): string {
  if (!message) return "";
  const calls = listOf(message.tool_calls).map((call) => asObject(call?.function));
  const parts = [
    ...listOf(message.content).flatMap((content) => [content?.thinking, content?.text]),
    message.tool_plan,
    ...calls.flatMap((made) => [made?.name, made?.arguments]),
  ];
  return parts.filter((part) => typeof part === "string").join("");
}

const listOf = (value: unknown): readonly (Json | undefined)[] =>
  (Array.isArray(value) ? value : [value]).map(asObject);

/** The event that ends every stream there, with what we have to say beside what the SDK reads. */
function endEvent({ usage, comment }: StreamEnd, delta: Json, turnpike: Json): string {
  const units = { input_tokens: usage.inputTokens, output_tokens: usage.outputTokens };
  const said = {
    type: "message-end",
    delta: { ...delta, usage: { billed_units: units, tokens: units } },
    turnpike,
  };
  return `event: message-end\ndata: ${latin1Of(JSON.stringify(said))}\n\n${comment}`;
}
