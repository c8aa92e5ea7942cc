/** OpenAI's two text dialects, as hf-inference serves them under `/v1`. */
import { z } from "zod";
import { badInput } from "../../refusal.js";
import { type Input, readJson } from "../input.js";
import type { ChatTurn } from "./llama.js";
import type { Ending, Prompt, Wanted } from "./writer.js";

export type Request = {
  readonly prompt: Prompt;
  readonly wanted: Wanted;
  readonly isStream: boolean;
  readonly wantsUsage: boolean;
};

const TOKENS_MAX = 1_000_000;

const limit = z.int().min(1).max(TOKENS_MAX).nullish();
const penalty = z.number().min(-2).max(2).nullish();
const stops = z.array(z.string().min(1)).max(16);
/** Where the member is there and says something, the model cannot do it. */
const cannot = (what: string) => z.null(`this model does not do ${what}`).optional();

const common = {
  model: z.string().nullish(),
  max_tokens: limit,
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  seed: z.int().min(0).max(0xffff_ffff).nullish(),
  stop: z.union([z.string().min(1), stops]).nullish(),
  frequency_penalty: penalty,
  presence_penalty: penalty,
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.literal(1, "one choice is all this model gives").nullish(),
};

const part = z.object({ type: z.literal("text", "this model reads text only"), text: z.string() });

const message = z.object({
  role: z.enum(["system", "developer", "user", "assistant"]),
  content: z.union([z.string(), z.array(part)], "expected a text, or parts of type text"),
});

const chatBody = z.object({
  ...common,
  messages: z.array(message).min(1),
  max_completion_tokens: limit,
  tools: z
    .union([z.array(z.unknown()).length(0), z.null()], "this model does not do tools")
    .optional(),
  logprobs: z.literal(false, "this model gives no logprobs").nullish(),
  response_format: z
    .object({ type: z.literal("text", "this model writes plain text only") })
    .nullish(),
});

const completionBody = z.object({
  ...common,
  prompt: z.union([z.string().min(1), z.tuple([z.string().min(1)])], "expected one text"),
  logprobs: cannot("logprobs"),
  suffix: cannot("suffixes"),
  echo: z.literal(false, "the prompt is not repeated").nullish(),
});

type Common = z.output<z.ZodObject<typeof common>>;

export function readChat(input: Input): Request {
  const body = readJson(input, chatBody);
  const turns = body.messages.map(toTurn);
  // The model's own turn is where it goes on; one that the caller began is completed.
  if (turns.at(-1)?.type !== "model") turns.push({ type: "model", response: [] });
  const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? undefined;
  return {
    ...requestOf(body),
    prompt: { kind: "conversation", turns },
    wanted: { ...wantedOf(body), maxTokens },
  };
}

export function readCompletion(input: Input): Request {
  const body = readJson(input, completionBody);
  const text = [body.prompt].flat().join();
  return { ...requestOf(body), prompt: { kind: "text", text }, wanted: wantedOf(body) };
}

function toTurn({ role, content }: z.output<typeof message>): ChatTurn {
  const text = typeof content === "string" ? content : content.map((each) => each.text).join("");
  if (role === "assistant") return { type: "model", response: [text] };
  if (text === "" && role === "user") throw badInput("Error in `messages`: a message is empty.");
  return { type: role === "user" ? "user" : "system", text };
}

const requestOf = ({ stream, stream_options }: Common) => ({
  isStream: stream === true,
  wantsUsage: stream_options?.include_usage === true,
});

const wantedOf = (body: Common): Wanted => ({
  maxTokens: body.max_tokens ?? undefined,
  temperature: body.temperature ?? 1,
  topP: body.top_p ?? undefined,
  seed: body.seed ?? undefined,
  stop: [body.stop ?? []].flat(),
  frequencyPenalty: body.frequency_penalty ?? undefined,
  presencePenalty: body.presence_penalty ?? undefined,
});

export type Dialect = "chat" | "completions";

/** What all parts of one answer begin with. */
export const headOf = (dialect: Dialect, isStream: boolean, model: string) => ({
  id: `${dialect === "chat" ? "chatcmpl" : "cmpl"}-${crypto.randomUUID()}`,
  object:
    dialect === "completions"
      ? "text_completion"
      : isStream
        ? "chat.completion.chunk"
        : "chat.completion",
  created: Math.floor(Date.now() / 1000),
  model,
});

export const usageOf = ({ inputTokens, outputTokens }: Ending) => ({
  prompt_tokens: inputTokens,
  completion_tokens: outputTokens,
  total_tokens: inputTokens + outputTokens,
});

export const finishOf = ({ reason }: Ending): string => (reason === "length" ? "length" : "stop");

export const wholeChoice = (dialect: Dialect, text: string, ending: Ending) => ({
  index: 0,
  ...(dialect === "chat" ? { message: { role: "assistant", content: text } } : { text }),
  logprobs: null,
  finish_reason: finishOf(ending),
});

export const partChoice = (
  dialect: Dialect,
  text: string,
  finish: string | null,
  isFirst: boolean,
) => ({
  index: 0,
  ...(dialect === "chat"
    ? {
        delta: { ...(isFirst && { role: "assistant" }), ...(finish === null && { content: text }) },
      }
    : { text }),
  logprobs: null,
  finish_reason: finish,
});
