/** One event of a chat stream: what it says, and what of it the caller should see. */
import type { NanoUsd } from "../kernel/money.js";
import { parseUsage } from "../tasks/openai-usage.js";
import type { Usage } from "../tasks/usage.js";
import {
  mendFinishReasons,
  missingMembers,
  type ObjectName,
  readEventJson,
  usageWithCost,
} from "./chat-answer.js";
import { withChanges } from "./json-changes.js";
import { memberText } from "./json-object.js";
import { dataOf, eventOf, latin1Text } from "./sse.js";

export type ChatEvent =
  | { readonly kind: "silent" }
  /** `text` is the event, where it goes to the caller. */
  | { readonly kind: "done"; readonly text: string }
  | { readonly kind: "error"; readonly data: string }
  | {
      readonly kind: "chunk";
      /** The whole event as the caller gets it; empty when there is nothing in it for the caller. */
      readonly text: string;
      /** The generated text in it. */
      readonly output: string;
      readonly isFinish: boolean;
      /** The provider's last words: they go out once they are charged. */
      readonly isLast?: boolean;
      readonly usage: Usage | undefined;
      /** The payload as it came. */
      readonly data: string;
    };

export type EventQuirks = {
  readonly finishReasons: Readonly<Record<string, string>>;
  readonly hasEmptyIds: boolean;
  readonly fill: Fill;
};

/** For chunks that lack what clients insist on. */
type Fill = {
  readonly id: string;
  readonly model: string;
  readonly object: ObjectName;
  readonly createdAt: number;
};

/** Reads one event, in Latin-1. Throws SyntaxError when its payload is not JSON, or null. */
export function readChatEvent(event: string, quirks: EventQuirks): ChatEvent {
  const data = dataOf(event);
  if (data === "") return { kind: "silent" };
  if (data === "[DONE]") return { kind: "done", text: "" };
  const chunk = JSON.parse(data) as Chunk | null;
  if (chunk === null) throw new SyntaxError("an event is null");
  if (!Array.isArray(chunk.choices)) {
    if (chunk.error != null) return { kind: "error", data };
    if (chunk.usage == null) return { kind: "silent" };
  } else if (chunk.error != null && chunk.choices.length === 0) {
    return { kind: "error", data };
  }
  const choices = chunk.choices ?? [];
  const isForCaller = choices.length > 0 || chunk.usage == null;
  return {
    kind: "chunk",
    text: isForCaller ? callersText(event, data, chunk, quirks) : "",
    output: outputIn(choices),
    isFinish: choices.some(hasFinished),
    usage: parseUsage(chunk.usage),
    data,
  };
}

type Chunk = {
  readonly id?: unknown;
  readonly choices?: readonly (Choice | null)[];
  readonly usage?: unknown;
  readonly error?: unknown;
};

type Choice = {
  readonly delta?: Delta | null;
  /** In a stream of plain completions; Together writes it beside the delta too. */
  readonly text?: unknown;
  readonly finish_reason?: unknown;
};

type Delta = {
  readonly content?: unknown;
  readonly reasoning_content?: unknown;
  readonly reasoning?: unknown;
  readonly refusal?: unknown;
  readonly tool_calls?: readonly ToolCallDelta[] | null;
};

type ToolCallDelta = {
  readonly function?: { readonly name?: unknown; readonly arguments?: unknown } | null;
};

const hasFinished = (choice: Choice | null): boolean => choice?.finish_reason != null;

function outputIn(choices: readonly (Choice | null)[]): string {
  let text = "";
  for (const choice of choices) text += outputOf(choice);
  return text;
}

/** Some providers write reasoning under both of its names; it counts once. */
function outputOf(choice: Choice | null): string {
  const delta = choice?.delta;
  if (!delta) return textIn(choice?.text);
  let text = textIn(delta.reasoning_content) || textIn(delta.reasoning);
  text += textIn(delta.content) + textIn(delta.refusal);
  for (const call of delta.tool_calls ?? []) {
    text += textIn(call.function?.name) + textIn(call.function?.arguments);
  }
  return text;
}

const textIn = (value: unknown): string => (typeof value === "string" ? value : "");

/** Untouched but for a usage the caller gets at the end or not at all, and the provider's quirks. */
function callersText(event: string, data: string, chunk: Chunk, quirks: EventQuirks): string {
  let text = data;
  if (chunk.usage != null || (quirks.hasEmptyIds && !chunk.id)) {
    const json = readEventJson(text);
    const changes = quirks.hasEmptyIds ? missingMembers(json, quirks.fill) : new Map();
    if (chunk.usage != null) changes.set("usage", undefined);
    text = latin1Text(withChanges(json, changes));
  }
  text = mendFinishReasons(text, quirks.finishReasons);
  return text === data && isCanonical(event) ? event : eventOf(text);
}

/** One `data: ` line and one blank line, as all clients read it. */
const isCanonical = (event: string): boolean =>
  event.startsWith("data: ") && event.endsWith("\n\n") && event.indexOf("\n") === event.length - 2;

/** The event that ends a stream for a caller who asked for usage: OpenAI's, with no choices in it. */
export function usageEvent(lastData: string, fill: Fill, usage: Usage, cost: NanoUsd): string {
  const json = readEventJson(lastData);
  const hasNoChoices = memberText(json, "choices") === "[]";
  const changes = missingMembers(json, fill).set("usage", usageWithCost(json, usage, cost));
  if (!hasNoChoices) changes.set("choices", "[]");
  return eventOf(latin1Text(withChanges(json, changes)));
}

const CUT_CHAT = '[{"index":0,"delta":{},"finish_reason":"length"}]';
const CUT_TEXT = '[{"index":0,"text":"","finish_reason":"length"}]';

/** The event that ends a stream which ran out of money: the finish reason clients know, and the true one. */
export function stoppedEvent(lastData: string, fill: Fill, message: string): string {
  const json = readEventJson(lastData);
  const changes = missingMembers(json, fill)
    .set("choices", fill.object === "text_completion" ? CUT_TEXT : CUT_CHAT)
    .set("turnpike", JSON.stringify({ stopped: "insufficient_credit", message }))
    .set("usage", undefined);
  return eventOf(latin1Text(withChanges(json, changes)));
}
