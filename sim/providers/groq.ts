import type { Usage } from "../chat/answer.js";
import type { ChunkFacts } from "../chat/dialect.js";
import type { ErrorFacts } from "../failure.js";
import { countsWhenKnown, openAiChat, openAiChunk, openAiPlain } from "../families/openai-chat.js";
import { worded } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import type { JsonObject } from "../json.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";
import { secondsFor } from "../seconds.js";

/** What its SDK's request type lists; anything else is refused. */
const FIELDS = (
  "model messages citation_options compound_custom disable_tool_validation documents exclude_domains " +
  "frequency_penalty function_call functions include_domains include_reasoning logit_bias logprobs " +
  "max_completion_tokens max_tokens metadata n parallel_tool_calls presence_penalty reasoning_effort " +
  "reasoning_format response_format search_settings seed service_tier stop stream stream_options " +
  "temperature tool_choice tools top_logprobs top_p user"
).split(" ");

const timed = (usage: Usage): JsonObject => {
  const times = secondsFor(usage);
  return {
    queue_time: times.queue,
    prompt_time: times.prompt,
    completion_time: times.completion,
    total_time: times.total,
    ...countsWhenKnown(usage),
  };
};

/** Its own corner: the request's id on the first chunk, usage on the one that finishes. */
function chunk(facts: ChunkFacts): JsonObject {
  const { head, choice, usage, first } = facts;
  const body = { ...openAiChunk({ ...facts, usage: choice ? undefined : usage }) };
  const own = { ...body, system_fingerprint: head.fingerprint };
  if (choice && usage) return { ...own, x_groq: { id: head.requestId, usage } };
  return first ? { ...own, x_groq: { id: head.requestId } } : own;
}

const WORDINGS = {
  unauthorized: { message: () => "Invalid API Key" },
  unknown_field: {
    message: ({ about }: ErrorFacts) => `property '${about}' is unsupported`,
  },
  rate_limited: {
    message: ({ about }: ErrorFacts) =>
      `Rate limit reached for model \`${about}\` on requests per minute (RPM). Please try again later.`,
  },
  server_error: { message: () => "Internal Server Error", type: "internal_server_error" },
};

/**
 * Groq. Answers as its SDK types them; the refusal of unknown fields as reported by users. It sends
 * usage in `x_groq` on the last chunk, and in a chunk of its own when asked.
 */
export const groq: Provider = {
  id: "groq",
  requestIdHeader: "x-request-id",
  requestId: (ids) => `req_${ids.alphanumeric(26).toLowerCase()}`,
  price: price("0.20", "0.60"),
  models: [
    model("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b-instant", price("0.05", "0.08")),
    model("meta-llama/Llama-3.3-70B-Instruct", "llama-3.3-70b-versatile", price("0.59", "0.79")),
    model("openai/gpt-oss-120b", "openai/gpt-oss-120b", price("0.15", "0.60", "0.075")),
    model("Qwen/Qwen3-32B", "qwen/qwen3-32b", price("0.29", "0.59")),
  ],
  endpoints: [
    {
      kind: "chat",
      method: "POST",
      path: "/openai/v1/chat/completions",
      chat: openAiChat({
        fields: FIELDS,
        refuse: (ask) => {
          if (ask.choices > 1) return { field: "n", why: "'n' : number must be at most 1" };
          if (ask.logprobs === undefined) return undefined;
          return { field: "logprobs", why: "`logprobs` is not supported with this model" };
        },
        bodyId: (ids) => `chatcmpl-${ids.uuid()}`,
        reasoning: "reasoning",
        stream: { wholeToolCalls: true, usage: "both" },
        toolCallId: (ids) => `call_${ids.alphanumeric(4).toLowerCase()}`,
        usage: timed,
        chunk,
        plain: (facts) => ({
          ...openAiPlain(facts),
          usage_breakdown: null,
          system_fingerprint: facts.head.fingerprint,
          x_groq: { id: facts.head.requestId },
          service_tier: "on_demand",
        }),
        headers: () => ({
          "x-ratelimit-limit-requests": "14400",
          "x-ratelimit-limit-tokens": "6000",
          "x-ratelimit-remaining-requests": "14399",
          "x-ratelimit-remaining-tokens": "5900",
        }),
      }),
    },
    {
      kind: "models",
      method: "GET",
      path: "/openai/v1/models",
      list: openAiModels((one) => ({
        active: true,
        context_window: one.context,
        public_apps: null,
        max_completion_tokens: 32_768,
      })),
    },
  ],
  error: (facts) => {
    const { status, message, type, code } = worded(facts, WORDINGS);
    return { status, body: { error: { message, type, ...(code === null ? {} : { code }) } } };
  },
};
