import type { Dials } from "../dials.js";
import type { JsonObject } from "../json.js";
import { OUTPUT_TOKENS_MAX } from "../limits.js";
import { below, hashOf, type Random, randomFrom } from "../random.js";
import { valueFor } from "../schema.js";
import { clip, countText, type Piece, piecesOf, prose, textOf, tokensOf } from "../tokens.js";
import { type ChatAsk, contentOf, type Tool } from "./ask.js";

export type Finish = "stop" | "length" | "tool_calls";

export type ToolCall = {
  readonly name: string;
  readonly nameTokens: number;
  readonly args: readonly Piece[];
};

export type Choice = {
  readonly reasoning: readonly Piece[];
  readonly content: readonly Piece[];
  readonly toolCall: ToolCall | undefined;
  readonly finish: Finish;
};

export type Usage = {
  readonly prompt: number;
  readonly cached: number;
  readonly completion: number;
  readonly reasoning: number;
};

/** What every chunk of one answer repeats. */
export type Head = {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly requestId: string;
  readonly fingerprint: string;
};

/** Everything that is said to one request, before it is put in the provider's form. */
export type Answer = {
  readonly ask: ChatAsk;
  readonly head: Head;
  readonly choices: readonly Choice[];
  readonly usage: Usage;
};

/** Ids of models that think before they speak. */
const THINKS = /reason|gpt-oss|(^|[^a-z0-9])r1([^a-z0-9]|$)/i;
const THINKING_TOKENS: { readonly [effort: string]: number } = {
  none: 0,
  minimal: 4,
  low: 8,
  medium: 16,
  high: 32,
};
const FORCED_LENGTH = /\[\[tokens=(\d+)\]\]/;

/** What the model says: the same for the same seed, provider, model and question. */
export function choicesFor(
  ask: ChatAsk,
  dials: Dials,
  key: { readonly seed: number; readonly provider: string },
): Choice[] {
  const question = hashOf(
    `${key.seed} ${key.provider} ${ask.model} ${JSON.stringify(ask.messages)}`,
  );
  return Array.from({ length: ask.choices }, (_, index) =>
    choiceFor(ask, dials, randomFrom(question + index)),
  );
}

export const completionTokens = (choice: Choice): number =>
  tokensOf(choice.reasoning) +
  tokensOf(choice.content) +
  (choice.toolCall ? choice.toolCall.nameTokens + tokensOf(choice.toolCall.args) : 0);

function choiceFor(ask: ChatAsk, dials: Dials, random: Random): Choice {
  const limit = dials.ignore_max_tokens
    ? OUTPUT_TOKENS_MAX
    : Math.min(ask.maxTokens ?? OUTPUT_TOKENS_MAX, OUTPUT_TOKENS_MAX);
  const forced = forcedLength(ask) ?? dials.output_tokens;
  const thinking = Math.min(thinkingTokens(ask), limit, Math.max(0, (forced ?? Infinity) - 1));
  const reasoning = prose(random, thinking, dials.unicode === true);
  const room = limit - thinking;
  const tool = toolToCall(ask);
  if (tool) return { reasoning, content: [], ...callOf(tool, room, random) };
  const wanted = forced === undefined ? 32 + below(random, 17) : forced - thinking;
  const natural = ask.format
    ? piecesOf(JSON.stringify(valueFor(ask.format.schema ?? FREE_OBJECT, random)))
    : prose(
        random,
        // One piece more than there is room for is enough to tell that the answer was cut.
        Math.max(0, Math.min(wanted, room + 1, OUTPUT_TOKENS_MAX)),
        dials.unicode === true,
        ask.raw,
      );
  const pieces = untilStop(natural, ask.stop);
  const content = clip(pieces, room);
  const finish = content.length < pieces.length ? "length" : "stop";
  return { reasoning, content, toolCall: undefined, finish };
}

/** For `json_object` without a schema. */
const FREE_OBJECT: JsonObject = {
  type: "object",
  properties: { answer: { type: "string" }, score: { type: "integer" } },
};

function forcedLength(ask: ChatAsk): number | undefined {
  for (let i = ask.messages.length - 1; i >= 0; i -= 1) {
    const message = ask.messages[i];
    if (message?.role !== "user") continue;
    const found = FORCED_LENGTH.exec(contentOf(message).text)?.[1];
    return found === undefined ? undefined : Number(found);
  }
  return undefined;
}

function thinkingTokens(ask: ChatAsk): number {
  if (!THINKS.test(ask.model)) return 0;
  return THINKING_TOKENS[ask.effort ?? "medium"] ?? THINKING_TOKENS.medium ?? 0;
}

/** A tool is called when the caller insists, or when the user asks for a call by word or by name. */
function toolToCall(ask: ChatAsk): Tool | undefined {
  const { toolChoice, tools } = ask;
  if (tools.length === 0 || toolChoice === "none") return undefined;
  if (typeof toolChoice === "object") return tools.find((tool) => tool.name === toolChoice.name);
  if (toolChoice === "required") return tools[0];
  const last = ask.messages.at(-1);
  if (last?.role !== "user") return undefined;
  const { text } = contentOf(last);
  const named = tools.find((tool) => text.includes(tool.name));
  return (
    named ?? (/\b(call|use) (the|a|your) (tool|function)\b/i.test(text) ? tools[0] : undefined)
  );
}

function callOf(tool: Tool, room: number, random: Random): Pick<Choice, "toolCall" | "finish"> {
  const all = piecesOf(JSON.stringify(valueFor(tool.parameters, random)));
  const nameTokens = Math.min(countText(tool.name), room);
  const args = clip(all, room - nameTokens);
  const finish = args.length < all.length ? "length" : "tool_calls";
  return { toolCall: { name: tool.name, nameTokens, args }, finish };
}

/** Ends the text before the first stop sequence; what is left is tokenised anew. */
function untilStop(pieces: readonly Piece[], stop: readonly string[]): readonly Piece[] {
  if (stop.length === 0) return pieces;
  const text = textOf(pieces);
  const at = Math.min(...stop.map((one) => text.indexOf(one)).filter((found) => found >= 0));
  return Number.isFinite(at) ? piecesOf(text.slice(0, at)) : pieces;
}
