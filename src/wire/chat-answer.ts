import { Spliced } from "../kernel/content.js";
import { digitsOf, type NanoUsd, usdParts } from "../kernel/money.js";
import { spanOf, standsAt } from "../kernel/span.js";
import type { Changes, JsonObject } from "../tasks/json-object.js";
import { parseUsage } from "../tasks/openai-usage.js";
import type { Usage } from "../tasks/usage.js";
import { memberText, readObject } from "./json-object.js";
import { OPEN_BRACKET, QUOTE } from "./json-scan.js";
import { latin1Bytes } from "./sse.js";
import { printUsage } from "./usage.js";

/** The payload of one event of a stream, which is kept as Latin-1. Throws for what is no JSON object. */
export const readEventJson = (data: string): JsonObject => readObject(spanOf(latin1Bytes(data)));

/** Reads a member's value when it is asked for; undefined when it is missing or null. */
export const memberReader =
  (json: JsonObject) =>
  (name: string): unknown => {
    const text = memberText(json, name);
    return text === undefined ? undefined : JSON.parse(text);
  };

/** What the provider counted, if it did. */
export function usageOf(json: JsonObject): Usage | undefined {
  const text = memberText(json, "usage");
  return text === undefined ? undefined : parseUsage(JSON.parse(text));
}

/** What OpenAI calls a plain answer, and an event of a stream. */
export type ObjectName = "chat.completion" | "chat.completion.chunk" | "text_completion";

/**
 * What clients insist on and some providers leave out. `id` of ours stands in for a missing or empty one.
 */
export function missingMembers(
  json: JsonObject,
  fill: { id: string; model: string; object: ObjectName; createdAt: number },
): Changes {
  const changes: Changes = new Map();
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
export const isWhole = (json: JsonObject, object: ObjectName): boolean =>
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
const isThere = (json: JsonObject, name: string): boolean =>
  json.has(name) && !says(json, name, "null");

/** Whether a member is there and is an array, for all that its first character tells. */
export function isArrayMember(json: JsonObject, name: string): boolean {
  const nth = json.indexOf(name);
  return nth >= 0 && json.bytes[json.valueStartOf(nth)] === OPEN_BRACKET;
}

/** Whether a member's value stands there in these letters. Cuts nothing out of the bytes. */
function says(json: JsonObject, name: string, value: string): boolean {
  const nth = json.indexOf(name);
  if (nth < 0) return false;
  const start = json.valueStartOf(nth);
  return json.endOf(nth) - start === value.length && standsAt(json.bytes, start, value);
}

/**
 * The answer with what it cost added at the end of the usage that the provider counted; undefined where the usage must be
 * written anew, because it names a cost already.
 */
export function withCostAdded(json: JsonObject, cost: NanoUsd): Spliced | undefined {
  const nth = json.indexOf("usage");
  const close = json.endOf(nth) - 1;
  for (let at = json.valueStartOf(nth); at < close; at++) {
    if (json.bytes[at] === QUOTE && standsAt(json.bytes, at, COST_NAME)) return undefined;
  }
  return new Spliced(json, close, close, costMembers(",", cost));
}

/** The provider's usage object, or ours where it sent none, with what it cost. */
export function usageWithCost(json: JsonObject | undefined, usage: Usage, cost: NanoUsd): string {
  const given = json && !usage.estimated ? memberText(json, "usage") : undefined;
  return withCost((given ?? printUsage(usage)).trimEnd(), cost);
}

/** The text of a usage object, with what it cost in place of what it says of that itself. */
export function withCost(usage: string, cost: NanoUsd): string {
  const text = withoutCost(usage);
  const comma = EMPTY_OBJECT.test(text) ? "" : ",";
  return `${text.slice(0, -1)}${costMembers(comma, cost).join("")}}`;
}

const costMembers = (comma: string, cost: NanoUsd): readonly (string | number)[] => {
  const [whole, point, rest] = usdParts(cost);
  return [comma, '"cost":', whole, point, rest, ',"cost_nano_usd":"', digitsOf(cost), '"'];
};

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
  return text.replace(/("finish_reason"\s*:\s*")(\w+)(")/g, (whole, before, reason, after) => {
    const known = reasons[reason];
    return known === undefined ? whole : before + known + after;
  });
}

/** Whether no finish reason in it needs a closer look, as in nearly all answers. */
export function saysUsualReasons({ bytes, start }: JsonObject): boolean {
  for (let at = reasonAfter(bytes, start); at >= 0; at = reasonAfter(bytes, at)) {
    if (!standsAt(bytes, at, ':"stop"') && !standsAt(bytes, at, ":null")) return false;
  }
  return true;
}

/** Behind the name of the next finish reason; -1 where there is none. */
function reasonAfter(bytes: Buffer, at: number): number {
  const found = bytes.indexOf(FINISH_REASON, at);
  return found < 0 ? -1 : found + FINISH_REASON.length;
}

const FINISH_REASON = Buffer.from('"finish_reason"');

/** All text that the choices of a plain answer hold, for counting. */
export function outputTextOf(json: JsonObject): string {
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
