/** What chat needs of whoever serves it, and about how much it will use there. */
import type { Mapping } from "../../catalog/model.js";
import { RouterError } from "../../kernel/errors.js";
import {
  BYTES_PER_TOKEN_MOST,
  BYTES_PER_TOKEN_TYPICAL,
  TYPICAL_OUTPUT_TOKENS,
  TYPICAL_TOKENS_PER_SECOND,
} from "../../kernel/limits.js";
import { chatAdapterOf, type Provider } from "../../providers/provider.js";
import type { Attachment, ChatRequest, ResponseFormatForm } from "../../tasks/chat-completion.js";
import type { Task } from "../../tasks/index.js";
import { computeTime, noUsage, type Usage } from "../../tasks/usage.js";
import type { Chooser, Routed, Wish } from "../route/eligible.js";
import { leftOut } from "./upstream-request.js";

const CHAT: readonly Task[] = ["conversational"];
const COMPLETION: readonly Task[] = ["text-generation"];

/** A chat request that somebody is to be chosen for. */
export type RoutedChat = Routed & { readonly request: ChatRequest };

export const chatWish: Wish<RoutedChat> = {
  tasks: ({ request }) => (request.task === "conversational" ? CHAT : COMPLETION),
  isServed: ({ tasks }, task) => chatAdapterOf(tasks, task) !== undefined,
  fault: ({ request }, mapping) => featureFault(request, mapping) ?? tooLong(request, mapping),
  doubt: ({ request }, mapping) => maybeTooLong(request, mapping),
  unmet: ({ request }, provider, mapping) => unmetParameters(request, provider, mapping),
  expectedUsage: (chooser, { request, at }, mapping) => {
    const inputTokens = Math.ceil(request.inputTokensMost / BYTES_PER_TOKEN_TYPICAL);
    const outputTokens = (request.maxTokens?.value ?? TYPICAL_OUTPUT_TOKENS) * request.choices;
    return expectedUsage(chooser, mapping, { inputTokens, outputTokens, at });
  },
};

/** A usage of so many tokens, with the time they should take as far as speed was measured here. */
export function expectedUsage(
  { statistics }: Pick<Chooser, "statistics">,
  mapping: Mapping,
  { inputTokens, outputTokens, at }: { inputTokens: number; outputTokens: number; at: number },
): Usage {
  const { throughput = TYPICAL_TOKENS_PER_SECOND, firstByteMs = 0 } = statistics.evidenceOf(
    mapping,
    at,
  );
  const ms = Math.max(firstByteMs, (outputTokens * 1_000) / throughput);
  return { ...noUsage, inputTokens, outputTokens, measured: computeTime(ms) };
}

const HAS_SCHEMA: readonly ResponseFormatForm[] = [
  ...(["openai_schema", "flat_schema", "object_schema", "object_value"] as const),
];

/** What nobody has said of a mapping is taken to be there. */
function featureFault(
  { usesTools, responseFormat, attachments }: ChatRequest,
  { supportsTools, supportsStructuredOutput, inputModalities }: Mapping,
): string | undefined {
  if (usesTools && supportsTools === false) return "does not support tools";
  if (
    responseFormat &&
    supportsStructuredOutput === false &&
    HAS_SCHEMA.includes(responseFormat.form)
  ) {
    return "does not support structured output";
  }
  if (!inputModalities || attachments.length === 0) return undefined;
  return unheard(attachments, inputModalities);
}

function unheard(attachments: readonly Attachment[], heard: readonly string[]): string | undefined {
  const kinds = attachments.filter((kind) => !heard.includes(kind));
  return kinds.length > 0 ? `does not take ${kinds.join(" or ")}` : undefined;
}

/** By a bound that no text can be below: many a provider lowers `max_tokens` by itself where only that is too much. */
function tooLong({ textBytes }: ChatRequest, { contextLength }: Mapping): string | undefined {
  if (contextLength === undefined || textBytes <= contextLength * BYTES_PER_TOKEN_MOST) {
    return undefined;
  }
  return `has a context of ${contextLength} tokens, which is too short`;
}

function maybeTooLong(
  { textBytes, maxTokens }: ChatRequest,
  { contextLength }: Mapping,
): string | undefined {
  if (contextLength === undefined) return undefined;
  const tokens = textBytes / BYTES_PER_TOKEN_TYPICAL + (maxTokens?.value ?? 0);
  if (tokens <= contextLength) return undefined;
  return `has a context of ${contextLength} tokens, which may be too short`;
}

function unmetParameters(
  request: ChatRequest,
  { tasks }: Provider,
  mapping: Mapping,
): string | undefined {
  const adapter = chatAdapterOf(tasks, mapping.task);
  if (!adapter) return undefined;
  try {
    adapter.changes(request);
    const names = leftOut(adapter, request);
    return names.length > 0 ? `would leave out ${names.join(", ")}` : undefined;
  } catch (thrown) {
    return refusalOf(thrown);
  }
}

/** What an adapter refuses by name. */
export function refusalOf(thrown: unknown): string {
  if (!(thrown instanceof RouterError)) throw thrown;
  return `would refuse the request: ${thrown.message}`;
}
