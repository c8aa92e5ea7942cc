import type { Head, Usage } from "../chat/answer.js";
import { countsWhenKnown, openAiChat } from "../families/openai-chat.js";
import { flatErrors } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import type { JsonObject } from "../json.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";
import { secondsFor } from "../seconds.js";

/** What its API reference lists; anything else is refused. */
const FIELDS = (
  "model messages max_tokens max_completion_tokens temperature top_p seed stop stream stream_options n " +
  "tools tool_choice parallel_tool_calls response_format logprobs top_logprobs user reasoning_effort " +
  "frequency_penalty presence_penalty logit_bias service_tier prediction clear_thinking " +
  "disable_reasoning reasoning_format"
).split(" ");

/** Times stand beside usage, on the same chunk. */
function withTimes(body: JsonObject, usage: JsonObject | null | undefined, head: Head): JsonObject {
  if (!usage) return body;
  const prompt = Number(usage.prompt_tokens);
  const completion = Number(usage.completion_tokens);
  const times = secondsFor({ prompt, completion, cached: 0, reasoning: 0 });
  return {
    ...body,
    usage,
    time_info: {
      queue_time: times.queue,
      prompt_time: times.prompt,
      completion_time: times.completion,
      total_time: times.total,
      created: head.created,
    },
  };
}

const usage = (facts: Usage): JsonObject => ({
  ...countsWhenKnown(facts),
  prompt_tokens_details: { cached_tokens: facts.cached },
});

const shape = flatErrors({
  unauthorized: {
    message: () => "Wrong API Key",
    param: "api_key",
    code: "wrong_api_key",
  },
  unknown_field: {
    message: ({ about }) => `body.${about}: property 'body.${about}' is unsupported`,
    param: "validation_error",
    code: "wrong_api_format",
  },
  bad_request: { param: "validation_error", code: "wrong_api_format" },
  unknown_model: {
    message: ({ about }) => `Model ${about} does not exist or you do not have access to it.`,
    type: "not_found_error",
    param: "model",
  },
  rate_limited: {
    message: () => "Requests per minute limit exceeded - too many requests sent.",
    type: "too_many_requests_error",
    param: "quota",
    code: "request_quota_exceeded",
  },
  server_error: {
    message: () => "Encountered a server error, please try again.",
    param: "",
    code: "internal_server_error",
  },
});

/**
 * Cerebras. Answers as on recordings of 2025-03 (no `[DONE]`, times beside usage, keys left out rather
 * than null); the strict check and its words as reported by users in 2026.
 */
export const cerebras: Provider = {
  id: "cerebras",
  requestIdHeader: "x-request-id",
  requestId: (ids) => `${ids.hex(16)}-SJC`,
  price: price("0.60", "1.20"),
  models: [
    model("meta-llama/Llama-3.1-8B-Instruct", "llama3.1-8b", price("0.10", "0.10"), {
      context: 32_768,
    }),
    model("meta-llama/Llama-3.3-70B-Instruct", "llama-3.3-70b", price("0.85", "1.20")),
    model("openai/gpt-oss-120b", "gpt-oss-120b", price("0.35", "0.75")),
    model("Qwen/Qwen3-32B", "qwen-3-32b", price("0.40", "0.80")),
  ],
  endpoints: [
    {
      kind: "chat",
      method: "POST",
      path: "/v1/chat/completions",
      chat: openAiChat({
        fields: FIELDS,
        bodyId: (ids) => `chatcmpl-${ids.uuid()}`,
        reasoning: "reasoning",
        stream: { role: "own", usage: "always", done: false, wholeToolCalls: true },
        usage,
        chunk: (facts) =>
          withTimes(
            {
              id: facts.head.id,
              choices: facts.choice
                ? [
                    {
                      delta: facts.choice.delta,
                      finish_reason: facts.choice.finish ?? undefined,
                      index: facts.choice.index,
                      logprobs: facts.choice.logprobs,
                    },
                  ]
                : [],
              created: facts.head.created,
              model: facts.head.model,
              system_fingerprint: facts.head.fingerprint,
              object: "chat.completion.chunk",
            },
            facts.usage,
            facts.head,
          ),
        plain: ({ head, choices, usage: counted }) =>
          withTimes(
            {
              id: head.id,
              choices: choices.map((choice) => ({
                finish_reason: choice.finish,
                index: choice.index,
                message: choice.message,
                logprobs: choice.logprobs,
              })),
              created: head.created,
              model: head.model,
              system_fingerprint: head.fingerprint,
              object: "chat.completion",
            },
            counted,
            head,
          ),
        headers: () => ({
          "x-ratelimit-limit-requests-day": "216000",
          "x-ratelimit-limit-tokens-minute": "160000",
          "x-ratelimit-remaining-requests-day": "215967",
          "x-ratelimit-remaining-tokens-minute": "159327",
        }),
      }),
    },
    { kind: "models", method: "GET", path: "/v1/models", list: openAiModels() },
  ],
  error: shape,
};
