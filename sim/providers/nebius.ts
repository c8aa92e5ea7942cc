import {
  counts,
  openAiChat,
  openAiChunk,
  openAiPlain,
  stopReasonAtEnd,
  withChoices,
} from "../families/openai-chat.js";
import { openAiCompletions } from "../families/openai-completions.js";
import { openAiEmbeddings } from "../families/openai-embeddings.js";
import { worded } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import { isObject, type JsonObject } from "../json.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";
import { embedder, generator } from "../text/models.js";
import { nebiusMedia, nebiusTasks } from "./nebius-media.js";

const WORDINGS = {
  unauthorized: { message: () => "Couldn't authenticate with the given token" },
  unknown_model: {
    message: ({ about }: { about: string }) => `The model \`${about}\` does not exist.`,
  },
};

/** vLLM of early 2025 printed all of a message's fields, also those that say nothing. */
const withEmptyFields = (choice: JsonObject): JsonObject => ({
  ...choice,
  message: {
    refusal: null,
    audio: null,
    function_call: null,
    tool_calls: [],
    ...(isObject(choice.message) ? choice.message : {}),
  },
  stop_reason: null,
});

/** Nebius. Answers as on recordings of 2025-02 to 2025-04; FastAPI's `detail` for errors is general knowledge. */
export const nebius: Provider = {
  id: "nebius",
  requestIdHeader: "x-request-id",
  requestId: (ids) => ids.uuid(),
  price: price("0.10", "0.30"),
  models: [
    model(
      "meta-llama/Llama-3.1-8B-Instruct",
      "meta-llama/Meta-Llama-3.1-8B-Instruct",
      price("0.02", "0.06"),
    ),
    model(
      "meta-llama/Llama-3.3-70B-Instruct",
      "meta-llama/Llama-3.3-70B-Instruct",
      price("0.13", "0.40"),
    ),
  ],
  tasks: [
    ...nebiusTasks,
    embedder("BAAI/bge-en-icl", "BAAI/bge-en-icl", "0.01"),
    embedder("Qwen/Qwen3-Embedding-8B", "Qwen/Qwen3-Embedding-8B", "0.01"),
    generator("google/gemma-2-2b", "google/gemma-2-2b", "0.02", "0.06"),
  ],
  endpoints: [
    {
      kind: "chat",
      method: "POST",
      path: "/v1/chat/completions",
      chat: openAiChat({
        usage: (usage) => ({
          ...counts(usage),
          completion_tokens_details: null,
          prompt_tokens_details: usage.cached > 0 ? { cached_tokens: usage.cached } : null,
        }),
        chunk: (facts) => withChoices(openAiChunk(facts), stopReasonAtEnd),
        plain: (facts) => ({
          ...withChoices(openAiPlain(facts), withEmptyFields),
          service_tier: null,
          system_fingerprint: null,
          prompt_logprobs: null,
        }),
      }),
    },
    {
      kind: "chat",
      method: "POST",
      path: "/v1/completions",
      task: "text-generation",
      chat: openAiCompletions(),
    },
    openAiEmbeddings("/v1/embeddings"),
    { kind: "models", method: "GET", path: "/v1/models", list: openAiModels() },
    ...nebiusMedia,
  ],
  error: (facts) => {
    const { status, message } = worded(facts, WORDINGS);
    return { status, body: { detail: message } };
  },
};
