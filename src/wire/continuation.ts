/** Going on with an answer that broke off, at another provider: what is sent there, and how the two become one. Pure. */
import { spanOf } from "../kernel/span.js";
import type { ChatRequest, ContinuationForm } from "../tasks/chat-completion.js";
import { asObject } from "./as-object.js";
import { readEventJson } from "./chat-answer.js";
import { parseChatRequest } from "./chat-request.js";
import type { StreamDialect } from "./dialects/dialect.js";
import { withChanges } from "./json-changes.js";
import { memberText } from "./json-object.js";
import { dataOf, eventOf, latin1Text, utf8Of } from "./sse.js";

/** Of an answer that holds more than plain text nobody could go on in the middle. */
const UNSAFE_MEMBERS = [
  ...["tools", "functions", "logprobs", "top_logprobs", "audio", "modalities", "prediction"],
  // One of them may stand across the joint.
  "stop",
];

/** Whether the answer to a request is plain text that another provider could go on with. */
export function isContinuable(request: ChatRequest): boolean {
  const { task, isStream, usesTools, choices, responseFormat, generation, body } = request;
  const isPlain = responseFormat === undefined || responseFormat.form === "text";
  if (task !== "conversational" || !isStream || usesTools || generation) return false;
  if (choices !== 1 || !isPlain || UNSAFE_MEMBERS.some((name) => body.has(name))) return false;
  const last: unknown = messagesOf(request).at(-1);
  return asObject(last)?.role === "user";
}

const messagesOf = ({ body }: ChatRequest): readonly unknown[] =>
  JSON.parse(memberText(body, "messages") ?? "[]");

export type Rest = {
  /** What was answered so far. */
  readonly said: string;
  readonly form: ContinuationForm;
  /** What is left of the caller's limit on the output, where there is one. */
  readonly maxTokens: number | undefined;
};

/** The request for the rest of an answer: all but the conversation's end and the limit stays as the caller wrote it. */
export function restRequest(request: ChatRequest, { said, form, maxTokens }: Rest): ChatRequest {
  // Where nothing was said there is nothing to go on with: it is begun anew.
  if (said === "") return request;
  const before = memberText(request.body, "messages")?.slice(0, -1);
  const last = { role: "assistant", content: said, ...(form === "prefix" && { prefix: true }) };
  const changes = new Map([["messages", `${before},${JSON.stringify(last)}]`]]);
  if (maxTokens !== undefined) {
    changes.set(request.maxTokens?.name ?? "max_tokens", String(maxTokens));
  }
  if (form === "continue_final_message") {
    changes.set("continue_final_message", "true").set("add_generation_prompt", "false");
  }
  const rest = parseChatRequest(spanOf(withChanges(request.body, changes)));
  return { ...rest, model: request.model, suffix: request.suffix };
}

type Delta = {
  readonly content?: unknown;
  readonly reasoning_content?: unknown;
  readonly reasoning?: unknown;
  readonly refusal?: unknown;
  readonly tool_calls?: unknown;
};

/** What the chunks of one answer repeat, as JSON. */
export type ChunkHead = { readonly [Name in (typeof REPEATED)[number]]?: string };

const REPEATED = ["id", "created", "model"] as const;

/** What a caller has been told of an answer, for whoever is to go on with it. */
export class SaidText {
  private text = "";
  head: ChunkHead = {};
  /** All of it is plain text. */
  isPlain = true;

  /** `event` as the caller gets it. */
  note(event: string): void {
    const data = dataOf(event);
    if (data === "") return;
    if (this.head.id === undefined) this.head = headOf(data);
    const { choices } = JSON.parse(utf8Of(data)) as { readonly choices?: readonly unknown[] };
    const delta = asObject(asObject(choices?.[0])?.delta) as Delta | undefined;
    if (!delta) return;
    const { content, reasoning_content, reasoning, refusal, tool_calls } = delta;
    if (typeof content === "string") this.text += content;
    this.isPlain &&= !(reasoning_content || reasoning || refusal || tool_calls);
  }

  get soFar(): string {
    return this.text;
  }

  /** Characters as people count them: Unicode's code points. */
  get characters(): number {
    return [...this.text].length;
  }
}

function headOf(data: string): ChunkHead {
  const json = readEventJson(data);
  return Object.fromEntries(REPEATED.map((name) => [name, memberText(json, name)]));
}

/** The rest of an answer, spoken as if it came from whom the beginning came from. */
export function joinedDialect(rest: StreamDialect, head: ChunkHead): StreamDialect {
  const joined = (data: string): string => {
    const json = readEventJson(data);
    const changes = new Map<string, string>();
    for (const name of REPEATED) {
      const value = head[name];
      if (value !== undefined) changes.set(name, value);
    }
    return latin1Text(withChanges(json, changes));
  };
  return {
    ...rest,
    read: (raw) => {
      const event = rest.read(raw);
      if (event.kind !== "chunk") return event;
      const text = event.text === "" ? "" : eventOf(joined(dataOf(event.text)));
      return { ...event, text, data: joined(event.data) };
    },
  };
}
