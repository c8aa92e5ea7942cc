import type { Answer, Choice, Finish, ToolCall, Usage } from "../chat/answer.js";
import { type Read, readAsk } from "../chat/ask.js";
import type { ChatDialect, PlainFacts, Speaking } from "../chat/dialect.js";
import { wholeCall } from "../chat/message.js";
import type { Event } from "../chat/sse.js";
import { grouped } from "../chat/steps.js";
import { openAiChat } from "../families/openai-chat.js";
import { isObject, isString, type Json, type JsonObject } from "../json.js";
import type { Piece } from "../tokens.js";

const FINISHES: { readonly [finish in Finish]: string } = {
  stop: "COMPLETE",
  length: "MAX_TOKENS",
  tool_calls: "TOOL_CALL",
};

/** Its words for what the rest of the simulator knows by OpenAI's. */
function read(body: unknown, model: string | undefined): Read {
  if (!isObject(body)) return readAsk(body, model);
  const { stop_sequences: stop, tool_choice: choice, response_format: format } = body;
  const renamed = isObject(format) ? { ...format, schema: format.json_schema } : undefined;
  const toolChoice = isString(choice) ? choice.toLowerCase() : undefined;
  return readAsk({ ...body, stop, tool_choice: toolChoice, response_format: renamed }, model);
}

/** `missing_usage` takes this away with the key of the same name. */
const usageOf = ({ prompt, completion, cached }: Usage): JsonObject => ({
  billed_units: { input_tokens: prompt, output_tokens: completion },
  tokens: { input_tokens: prompt, output_tokens: completion },
  cached_tokens: cached,
});

function plain({ head, choices, usage }: PlainFacts): JsonObject {
  const { message = {}, finish, logprobs } = choices[0] ?? {};
  const content: Json[] = [];
  if (message.reasoning) content.push({ type: "thinking", thinking: message.reasoning });
  if (isString(message.content)) content.push({ type: "text", text: message.content });
  return {
    id: head.id,
    message: {
      role: "assistant",
      ...(content.length > 0 ? { content } : {}),
      ...(message.tool_calls ? { tool_calls: message.tool_calls, tool_plan: "" } : {}),
    },
    finish_reason: finish,
    usage,
    logprobs: logprobs === undefined ? undefined : [],
  };
}

const eventOf = (type: string, body: JsonObject, tokens = 0): Event => ({
  text: `event: ${type}\ndata: ${JSON.stringify({ type, ...body })}\n\n`,
  tokens,
});

/** Named events with a start and an end for each part of the message; usage always in the last one. */
function events({ head, choices, usage }: Answer, speaking: Speaking): Event[] {
  const [choice] = choices;
  if (!choice) return [];
  const { dials } = speaking;
  const message = { role: "assistant", content: [], tool_plan: "", tool_calls: [], citations: [] };
  const told = dials.missing_usage || dials.stream_usage === "never" ? undefined : usageOf(usage);
  const end = { finish_reason: FINISHES[choice.finish], usage: told };
  return [
    eventOf("message-start", { id: head.id, delta: { message } }),
    ...partsOf(choice, speaking).flat(),
    eventOf("message-end", { id: head.id, delta: end }),
    ...(dials.missing_done ? [] : [{ text: "data: [DONE]\n\n", tokens: 0 }]),
  ];
}

function partsOf(choice: Choice, speaking: Speaking): Event[][] {
  const parts: ((index: number) => Event[])[] = [];
  const { reasoning, content, toolCall } = choice;
  if (reasoning.length > 0) parts.push(textPart("thinking", reasoning, speaking));
  if (toolCall) parts.push(callPart(toolCall, speaking));
  else parts.push(textPart("text", content, speaking));
  return parts.map((part, index) => part(index));
}

const textPart =
  (type: "text" | "thinking", pieces: readonly Piece[], { dials }: Speaking) =>
  (index: number): Event[] => {
    const says = (content: JsonObject) => ({ index, delta: { message: { content } } });
    return [
      eventOf("content-start", says({ type, [type]: "" })),
      ...grouped(pieces, dials).map(({ text, tokens }) =>
        eventOf("content-delta", says({ [type]: text }), tokens),
      ),
      eventOf("content-end", { index }),
    ];
  };

const callPart =
  (call: ToolCall, { dialect, dials, ids }: Speaking) =>
  (index: number): Event[] => {
    const says = (part: JsonObject) => ({ index, delta: { message: { tool_calls: part } } });
    const begun = {
      ...wholeCall(call, dialect, ids),
      function: { name: call.name, arguments: "" },
    };
    return [
      eventOf("tool-call-start", says(begun), call.nameTokens),
      ...grouped(call.args, dials).map(({ text, tokens }) =>
        eventOf("tool-call-delta", says({ function: { arguments: text } }), tokens),
      ),
      eventOf("tool-call-end", { index }),
    ];
  };

/** `/v2/chat`, as Cohere's own SDK types it. */
export const cohereChat: ChatDialect = openAiChat({
  read,
  formats: ["json_object", "json_object_schema"],
  bodyId: (ids) => ids.uuid(),
  finish: (finish) => FINISHES[finish],
  reasoning: "reasoning",
  usage: usageOf,
  plain,
  events,
});
