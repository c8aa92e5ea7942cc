import {
  counts,
  logprobsWhenAsked,
  openAiChat,
  openAiChunk,
  openAiPlain,
  withChoices,
} from "../families/openai-chat.js";
import { openAiCompletions } from "../families/openai-completions.js";
import { openAiEmbeddings } from "../families/openai-embeddings.js";
import { worded } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import { rerankRoute } from "../families/rerank.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";
import { secondsFor } from "../seconds.js";
import { embedder, generator, reranker } from "../text/models.js";

const WORDINGS = {
  unauthorized: { message: () => "The API key you provided is invalid.", code: "UNAUTHORIZED" },
  unknown_model: {
    message: () => "Model not found, inaccessible, and/or not deployed",
    code: "NOT_FOUND",
  },
  rate_limited: { code: "RATE_LIMIT_EXCEEDED" },
};

const SAMPLING = JSON.stringify({ max_tokens: 2048, temperature: 1.0, top_k: 0, top_p: 1.0 });

/**
 * Fireworks. Answers and headers as on recordings of 2025-02; errors from general knowledge,
 * the routes of embeddings and reranking from its documentation of 2026-11.
 */
export const fireworksAi: Provider = {
  id: "fireworks-ai",
  requestIdHeader: "x-request-id",
  requestId: (ids) => ids.uuid(),
  price: price("0.20", "0.20"),
  models: [
    model(
      "meta-llama/Llama-3.1-8B-Instruct",
      "accounts/fireworks/models/llama-v3p1-8b-instruct",
      price("0.20", "0.20"),
    ),
    model(
      "meta-llama/Llama-3.3-70B-Instruct",
      "accounts/fireworks/models/llama-v3p3-70b-instruct",
      price("0.90", "0.90"),
    ),
    model(
      "openai/gpt-oss-120b",
      "accounts/fireworks/models/gpt-oss-120b",
      price("0.15", "0.60", "0.075"),
    ),
  ],
  tasks: [
    embedder("Qwen/Qwen3-Embedding-8B", "fireworks/qwen3-embedding-8b", "0.10"),
    reranker("Qwen/Qwen3-Reranker-8B", "fireworks/qwen3-reranker-8b", { input: "0.20" }),
    generator(
      "mistralai/Mixtral-8x7B-v0.1",
      "accounts/fireworks/models/mixtral-8x7b",
      "0.50",
      "0.50",
    ),
  ],
  endpoints: [
    {
      kind: "chat",
      method: "POST",
      path: "/inference/v1/chat/completions",
      chat: openAiChat({
        formats: ["json_object", "json_schema", "json_object_schema"],
        // The body's id is the id in the header.
        bodyId: (_ids, requestId) => requestId,
        stream: { role: "own", usage: "always", usageNull: "always" },
        usage: (usage) => ({
          ...counts(usage),
          prompt_tokens_details: { cached_tokens: usage.cached },
        }),
        chunk: (facts) => withChoices(openAiChunk(facts), logprobsWhenAsked),
        plain: (facts) => withChoices(openAiPlain(facts), logprobsWhenAsked),
        headers: ({ usage, stream }) => ({
          "fireworks-prompt-tokens": String(usage.prompt),
          "fireworks-sampling-options": SAMPLING,
          ...(stream
            ? { "fireworks-server-time-to-first-token": secondsFor(usage).prompt.toFixed(3) }
            : { "fireworks-server-processing-time": secondsFor(usage).total.toFixed(3) }),
        }),
      }),
    },
    {
      kind: "chat",
      method: "POST",
      path: "/inference/v1/completions",
      task: "text-generation",
      chat: openAiCompletions(),
    },
    openAiEmbeddings("/inference/v1/embeddings"),
    rerankRoute("/inference/v1/rerank", "data"),
    {
      kind: "models",
      method: "GET",
      path: "/inference/v1/models",
      list: openAiModels((one) => ({
        kind: "HF_BASE_MODEL",
        supports_chat: true,
        supports_image_input: false,
        supports_tools: one.tools,
      })),
    },
  ],
  error: (facts) => {
    const { status, message, type, code } = worded(facts, WORDINGS);
    return { status, body: { error: { object: "error", type, code, message } } };
  },
};
