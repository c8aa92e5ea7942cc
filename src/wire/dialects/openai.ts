/** OpenAI's events, of chat and of completions, which nearly all streams are made of. */
import { type EventQuirks, readChatEvent, stoppedEvent, usageEvent } from "../chat-event.js";
import { eventOf, latin1Of } from "../sse.js";
import type { StreamDialect, StreamEnd } from "./dialect.js";

const DONE = "data: [DONE]\n\n";

export function openAiDialect(quirks: EventQuirks): StreamDialect {
  const usageText = ({ wantsUsage, lastData, usage, cost }: StreamEnd): string =>
    wantsUsage ? usageEvent(lastData, quirks.fill, usage, cost) : "";
  return {
    read: (event) => readChatEvent(event, quirks),
    complete: (end) => usageText(end) + end.comment + DONE,
    stop: (end, message) =>
      stoppedEvent(end.lastData, quirks.fill, message) + usageText(end) + end.comment + DONE,
    // Never with a `[DONE]`.
    breakOff: (end, { message, code, inferenceId }) => {
      const error = {
        ...{ message, type: "api_error", code, param: null },
        inference_id: inferenceId,
      };
      return eventOf(latin1Of(JSON.stringify({ error }))) + end.comment;
    },
  };
}
