import type { Dials } from "../dials.js";
import type { Json, JsonObject } from "../json.js";
import { type Piece, textOf, tokensOf } from "../tokens.js";
import type { Choice, ToolCall } from "./answer.js";
import type { ChatDialect, Speaking } from "./dialect.js";
import { logprobsOf, wholeCall } from "./message.js";

/** A chunk before it is printed. */
export type Step = {
  readonly delta: JsonObject;
  readonly piece?: Piece;
  readonly tokens: number;
  readonly logprobs?: Json;
};

/** One choice as the deltas of its stream: role, thoughts, text, tool call; not yet the finish. */
export function stepsOf(choice: Choice, speaking: Speaking): Step[] {
  const { role } = speaking.dialect.stream;
  const shared = role === "every" ? { role: "assistant" } : {};
  return [
    ...roleSteps(choice, speaking.dialect),
    ...thoughtSteps(choice, shared, speaking),
    ...textSteps(choice, shared, speaking),
    ...(choice.toolCall ? callSteps(choice.toolCall, shared, speaking) : []),
  ];
}

/** Hidden thoughts are delivered with the role: they are made before the first word. */
function roleSteps(choice: Choice, { stream, reasoning }: ChatDialect): Step[] {
  if (stream.role === "every") return [];
  const delta = { role: "assistant", ...(stream.role === "own-empty" ? { content: "" } : {}) };
  return [{ delta, tokens: reasoning === "hidden" ? tokensOf(choice.reasoning) : 0 }];
}

function thoughtSteps(choice: Choice, shared: JsonObject, { dialect, dials }: Speaking): Step[] {
  if (dialect.reasoning === "hidden") return [];
  return grouped(choice.reasoning, dials).map((piece) => ({
    delta: { ...shared, [dialect.reasoning]: piece.text },
    tokens: piece.tokens,
  }));
}

const textSteps = (choice: Choice, shared: JsonObject, { ask, dialect, dials }: Speaking): Step[] =>
  groups(choice.content, dials).map((group) => {
    const piece = joined(group);
    const step = { delta: { ...shared, content: piece.text }, piece, tokens: piece.tokens };
    const logprobs = logprobsOf(group, ask, dialect, true);
    return logprobs === undefined ? step : { ...step, logprobs };
  });

function callSteps(call: ToolCall, shared: JsonObject, { dialect, dials, ids }: Speaking): Step[] {
  const made = wholeCall(call, dialect, ids);
  const step = (fields: JsonObject, tokens: number): Step => ({
    delta: { ...shared, tool_calls: [{ index: 0, ...fields }] },
    tokens,
  });
  if (dialect.stream.wholeToolCalls) return [step(made, call.nameTokens + tokensOf(call.args))];
  return [
    step({ ...made, function: { name: call.name, arguments: "" } }, call.nameTokens),
    ...grouped(call.args, dials).map((piece) =>
      step({ function: { arguments: piece.text } }, piece.tokens),
    ),
  ];
}

function groups(pieces: readonly Piece[], dials: Dials): (readonly Piece[])[] {
  const size = dials.tokens_per_event ?? 1;
  const made: (readonly Piece[])[] = [];
  for (let i = 0; i < pieces.length; i += size) made.push(pieces.slice(i, i + size));
  return made;
}

function joined(group: readonly Piece[]): Piece {
  const [first] = group;
  if (group.length === 1 && first) return first;
  const text = textOf(group);
  return {
    text,
    json: JSON.stringify(text),
    tokens: tokensOf(group),
    tokenId: first?.tokenId ?? 0,
  };
}

/** As the dial `tokens_per_event` joins them. */
export const grouped = (pieces: readonly Piece[], dials: Dials): Piece[] =>
  groups(pieces, dials).map(joined);
