/**
 * Text Generation Inference's events: `data: {index, token, generated_text, details}`, the last one with the whole text
 * and no `[DONE]` after it. Passed on as they are, or made of OpenAI's. Source: recordings, and `spec/providers.md` 3.3.
 */
import { parseUsage } from "../../tasks/openai-usage.js";
import type { Json } from "../../tasks/task-call.js";
import type { Usage } from "../../tasks/usage.js";
import { asObject } from "../as-object.js";
import { type ChatEvent, type EventQuirks, readChatEvent } from "../chat-event.js";
import { dataOf, eventOf, latin1Of, utf8Of } from "../sse.js";
import type { StreamDialect, StreamEnd, StreamFault } from "./dialect.js";

/** From a provider that speaks it. */
export function ownGeneration(wantsDetails: boolean): StreamDialect {
  let index = 0;
  return {
    read: (event) => {
      const read = readGeneration(event);
      if (read.kind === "chunk") index++;
      return read;
    },
    complete: ({ lastWords, comment }) => lastWords + comment,
    // In the place of the event that was not paid for.
    stop: (end, message) => stopped(end, index, wantsDetails, message),
    breakOff,
  };
}

function readGeneration(event: string): ChatEvent {
  const data = dataOf(event);
  if (data === "") return { kind: "silent" };
  if (data === "[DONE]") return { kind: "done", text: "" };
  const said = asObject(JSON.parse(data));
  if (!said) throw new SyntaxError("an event is no object");
  if (said.error != null) return { kind: "error", data };
  const token = asObject(said.token);
  const isLast = typeof said.generated_text === "string";
  return {
    kind: "chunk",
    text: event,
    // The token that ends a text is not part of it.
    output: typeof token?.text === "string" && token.special !== true ? token.text : "",
    isFinish: isLast,
    isLast,
    usage: usageIn(asObject(said.details)),
    data,
  };
}

/** There where details were asked for, and the length of the prompt only from newer servers. */
const usageIn = (details: Json | undefined): Usage | undefined =>
  parseUsage({
    prompt_tokens: details?.input_length,
    completion_tokens: details?.generated_tokens,
  });

/** From a provider whose completions are OpenAI's: `quirks` say how it deviates from them. */
export function translatedGeneration(quirks: EventQuirks, wantsDetails: boolean): StreamDialect {
  let index = 0;
  let finish = "eos_token";
  const read = (event: string): ChatEvent => {
    const said = readChatEvent(event, quirks);
    if (said.kind !== "chunk") return said;
    finish = finishIn(said.data) ?? finish;
    const text = said.output === "" ? "" : eventOf(tokenEvent(++index, said.output));
    return { ...said, text };
  };
  const last = (end: StreamEnd): string =>
    eventOf(lastEvent(end, index + 1, wantsDetails, { finish_reason: finish })) + end.comment;
  return {
    read,
    complete: last,
    // In the place of the event that was not paid for.
    stop: (end, message) => stopped(end, index, wantsDetails, message),
    breakOff,
  };
}

/** OpenAI's finish reasons under the names that clients of this wire know. */
const FINISHES: Readonly<Record<string, string>> = { stop: "eos_token", length: "length" };

function finishIn(data: string): string | undefined {
  const { choices } = JSON.parse(data) as { choices?: readonly { finish_reason?: unknown }[] };
  const reason = choices?.[0]?.finish_reason;
  return typeof reason === "string" ? (FINISHES[reason] ?? reason) : undefined;
}

/** `text` in Latin-1. Whoever does not speak this wire has neither ids nor probabilities to tell. */
const tokenEvent = (index: number, text: string): string =>
  printed({ index, token: tokenOf(utf8Of(text), false), generated_text: null, details: null });

const tokenOf = (text: string, special: boolean): Json => ({ id: 0, text, logprob: null, special });

function lastEvent(end: StreamEnd, index: number, wantsDetails: boolean, more: Json): string {
  const { usage } = end;
  const counts = {
    generated_tokens: usage.outputTokens,
    seed: null,
    input_length: usage.inputTokens,
  };
  const { turnpike, ...details } = more;
  return printed({
    index,
    token: tokenOf("", true),
    generated_text: end.output(),
    details: wantsDetails ? { ...details, ...counts } : null,
    ...(turnpike !== undefined && { turnpike }),
  });
}

const stopped = (end: StreamEnd, index: number, wantsDetails: boolean, message: string): string =>
  eventOf(
    lastEvent(end, index, wantsDetails, {
      finish_reason: "length",
      turnpike: { stopped: "insufficient_credit", message },
    }),
  ) + end.comment;

/** The two members that clients make an error of; which error, `error_type` says. */
const breakOff = (end: StreamEnd, { message, code, inferenceId }: StreamFault): string =>
  eventOf(
    printed({
      error: message,
      error_type: "incomplete_generation",
      code,
      inference_id: inferenceId,
    }),
  ) + end.comment;

const printed = (json: Json): string => latin1Of(JSON.stringify(json));
