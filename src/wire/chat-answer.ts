import { formatUsd, type NanoUsd } from "../kernel/money.js";
import type { BodyChanges, Members } from "../tasks/chat-completion.js";
import { parseUsage } from "../tasks/openai-usage.js";
import type { Usage } from "../tasks/usage.js";
import { membersOf } from "./json-members.js";
import { printUsage } from "./usage.js";

/** A provider's plain answer, or one event of its stream, as places in its text. */
export type ChatJson = { readonly text: string; readonly members: Members };

/** Throws for text that is not a JSON object. */
export const readChatJson = (text: string): ChatJson => ({ text, members: membersOf(text) });

/** The text of a member's value; undefined when it is missing or null. */
export function memberText({ text, members }: ChatJson, name: string): string | undefined {
  const nth = members.indexOf(name);
  if (nth < 0) return undefined;
  const value = text.slice(members.valueStartOf(nth), members.endOf(nth));
  return value === "null" ? undefined : value;
}

/** Reads a member's value when it is asked for; undefined when it is missing or null. */
export const memberReader =
  (json: ChatJson) =>
  (name: string): unknown => {
    const text = memberText(json, name);
    return text === undefined ? undefined : JSON.parse(text);
  };

/** What the provider counted, if it did. */
export function usageOf(json: ChatJson): Usage | undefined {
  const text = memberText(json, "usage");
  return text === undefined ? undefined : parseUsage(JSON.parse(text));
}

/** What OpenAI calls a plain answer, and an event of a stream. */
export type ObjectName = "chat.completion" | "chat.completion.chunk" | "text_completion";

/**
 * What clients insist on and some providers leave out. `id` of ours stands in for a missing or empty one.
 */
export function missingMembers(
  json: ChatJson,
  fill: { id: string; model: string; object: ObjectName; createdAt: number },
): BodyChanges {
  const changes: BodyChanges = new Map();
  if (!isThere(json, "id") || says(json, "id", '""')) changes.set("id", JSON.stringify(fill.id));
  if (!isThere(json, "model")) changes.set("model", JSON.stringify(fill.model));
  if (!isThere(json, "created")) {
    changes.set("created", String(Math.floor(fill.createdAt / 1000)));
  }
  const object = QUOTED[fill.object];
  if (!says(json, "object", object)) changes.set("object", object);
  return changes;
}

/** Whether nothing is missing, as in nearly all answers: then nothing need be made to stand in for it. */
export const isWhole = (json: ChatJson, object: ObjectName): boolean =>
  isThere(json, "id") &&
  !says(json, "id", '""') &&
  isThere(json, "model") &&
  isThere(json, "created") &&
  says(json, "object", QUOTED[object]);

const QUOTED = {
  "chat.completion": '"chat.completion"',
  "chat.completion.chunk": '"chat.completion.chunk"',
  text_completion: '"text_completion"',
} as const satisfies Record<ObjectName, string>;

/** Whether a member has a value other than null. */
const isThere = (json: ChatJson, name: string): boolean =>
  json.members.has(name) && !says(json, name, "null");

/** Whether a member is there and is an array, for all that its first character tells. */
export function isArrayMember({ text, members }: ChatJson, name: string): boolean {
  const nth = members.indexOf(name);
  return nth >= 0 && text.startsWith("[", members.valueStartOf(nth));
}

/** Whether a member's value stands there in these letters. Cuts nothing out of the text. */
function says({ text, members }: ChatJson, name: string, value: string): boolean {
  const nth = members.indexOf(name);
  if (nth < 0) return false;
  const start = members.valueStartOf(nth);
  return members.endOf(nth) - start === value.length && text.startsWith(value, start);
}

/**
 * What to add at the end of the usage that a provider counted, to tell the cost; undefined where the usage must be written
 * anew, because it names a cost already. Only ASCII.
 */
export function costToAdd({ text, members }: ChatJson, cost: NanoUsd): string | undefined {
  const nth = members.indexOf("usage");
  const named = text.indexOf(COST_NAME, members.valueStartOf(nth));
  return named >= 0 && named < endOfUsage(members) ? undefined : `,${costMembers(cost)}`;
}

/** What is not changed is not cut out of the text. */
export function withAdded({ text, members }: ChatJson, added: string): string {
  const close = endOfUsage(members);
  return text.slice(0, close) + added + text.slice(close);
}

/** Where its closing brace stands. */
const endOfUsage = (members: Members): number => members.endOf(members.indexOf("usage")) - 1;

/** The provider's usage object, or ours where it sent none, with what it cost. */
export function usageWithCost(json: ChatJson | undefined, usage: Usage, cost: NanoUsd): string {
  const given = json && !usage.estimated ? memberText(json, "usage") : undefined;
  return withCost((given ?? printUsage(usage)).trimEnd(), cost);
}

/** The text of a usage object, with what it cost in place of what it says of that itself. */
export function withCost(usage: string, cost: NanoUsd): string {
  const text = withoutCost(usage);
  const comma = EMPTY_OBJECT.test(text) ? "" : ",";
  return `${text.slice(0, -1)}${comma}${costMembers(cost)}}`;
}

const costMembers = (cost: NanoUsd): string =>
  `"cost":${formatUsd(cost)},"cost_nano_usd":"${cost}"`;

/** How the names of all members begin that tell a cost. */
const COST_NAME = '"cost';

const EMPTY_OBJECT = /^\{\s*\}$/;

/** A cost that the provider names must not stand beside what is charged. */
function withoutCost(usage: string): string {
  if (!usage.includes(COST_NAME)) return usage;
  const { cost: _cost, cost_nano_usd: _nanos, ...rest } = JSON.parse(usage);
  return JSON.stringify(rest);
}

type FinishReasons = Readonly<Record<string, string>>;

/** Turns a provider's own finish reasons into OpenAI's. Inside a string the quotes would be escaped. */
export function mendFinishReasons(text: string, reasons: FinishReasons): string {
  if (saysUsualReasons(text)) return text;
  return text.replace(/("finish_reason"\s*:\s*")(\w+)(")/g, (whole, before, reason, after) => {
    const known = reasons[reason];
    return known === undefined ? whole : before + known + after;
  });
}

/** Whether no finish reason in it needs a closer look, as in nearly all answers and events. */
export function saysUsualReasons(text: string): boolean {
  for (let at = text.indexOf(FINISH_REASON); at >= 0; at = text.indexOf(FINISH_REASON, at + 1)) {
    if (!isUsual(text, at + FINISH_REASON.length)) return false;
  }
  return true;
}

const FINISH_REASON = '"finish_reason"';

/** What nearly all answers say, and as nearly all write it. */
const isUsual = (text: string, at: number): boolean =>
  text.startsWith(':"stop"', at) || text.startsWith(":null", at);

/** All text that the choices of a plain answer hold, for counting. */
export function outputTextOf(json: ChatJson): string {
  const parts: string[] = [];
  const collect = (value: unknown, name: string): void => {
    if (typeof value === "string" && OUTPUT_MEMBERS.has(name)) parts.push(value);
    else if (Array.isArray(value)) for (const entry of value) collect(entry, name);
    else if (value && typeof value === "object") {
      for (const [inner, entry] of Object.entries(value)) collect(entry, inner);
    }
  };
  collect(JSON.parse(memberText(json, "choices") ?? "[]"), "");
  return parts.join("");
}

/** Where generated text stands: in messages and deltas, tool calls included. */
const OUTPUT_MEMBERS = new Set([
  "content",
  "reasoning_content",
  "reasoning",
  "arguments",
  "refusal",
]);

/** The provider's own words about what went wrong, from any of the shapes in use; at most 1,000 characters. */
export function errorMessageOf(text: string): string | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // Text Generation Inference writes some of its refusals in plain text; pages of HTML say nothing to anyone.
    body = /^\s*</.test(text) ? undefined : text.trim();
  }
  const found = messageIn(body);
  return found?.slice(0, 1_000) || undefined;
}

function messageIn(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return messageIn(value[0]);
  if (!value || typeof value !== "object") return undefined;
  for (const name of ["error", "message", "detail", "msg"]) {
    const inner = messageIn(Reflect.get(value, name));
    if (inner !== undefined && inner !== "") return inner;
  }
  return undefined;
}
