import type { Usage } from "../chat/answer.js";
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
import type { JsonObject } from "../json.js";
import { model, price } from "../model-entry.js";
import type { ListedModel, Provider } from "../provider.js";
import { embedder, generator, reranker } from "../text/models.js";
import { novitaMedia, novitaTasks } from "./novita-media.js";

const FILTERS: JsonObject = {
  hate: { filtered: false },
  self_harm: { filtered: false },
  sexual: { filtered: false },
  violence: { filtered: false },
  jailbreak: { filtered: false, detected: false },
  profanity: { filtered: false, detected: false },
};

const filtered = (choice: JsonObject): JsonObject => ({
  ...logprobsWhenAsked(choice),
  content_filter_results: FILTERS,
});

const details = (usage: Usage): JsonObject => ({
  ...counts(usage),
  prompt_tokens_details: usage.cached > 0 ? { cached_tokens: usage.cached } : null,
  completion_tokens_details: usage.reasoning > 0 ? { reasoning_tokens: usage.reasoning } : null,
});

const WORDINGS = {
  unauthorized: { message: () => "invalid api key", code: "INVALID_API_KEY" },
  unknown_model: { message: () => "model not found", code: "MODEL_NOT_FOUND" },
  rate_limited: { message: () => "rate limit exceeded", code: "RATE_LIMIT_EXCEEDED" },
  unknown_field: { code: "INVALID_REQUEST_BODY" },
  bad_request: { code: "INVALID_REQUEST_BODY" },
  not_found: { code: "NOT_FOUND" },
  server_error: { code: "SERVICE_NOT_AVAILABLE" },
};

/** Its list prints prices in ten-thousandths of a dollar per million tokens. */
const listing = openAiModels((one: ListedModel) => ({
  title: one.id,
  context_size: one.context,
  input_token_price_per_m: Math.round(one.pricing.input * 10_000),
  output_token_price_per_m: Math.round(one.pricing.output * 10_000),
}));

/**
 * Novita. Answers as on recordings of 2025-02, usage in the last chunk of a stream as by 2025-03; errors
 * and the model list from general knowledge.
 */
export const novita: Provider = {
  id: "novita",
  requestIdHeader: "inference-id",
  requestId: (ids) => ids.uuid(),
  price: price("0.10", "0.30"),
  models: [
    model(
      "meta-llama/Llama-3.1-8B-Instruct",
      "meta-llama/llama-3.1-8b-instruct",
      price("0.02", "0.05"),
      {
        context: 16_384,
      },
    ),
    model("deepseek-ai/DeepSeek-V3.1", "deepseek/deepseek-v3.1", price("0.27", "1.00", "0.135")),
    model("openai/gpt-oss-120b", "openai/gpt-oss-120b", price("0.05", "0.25")),
    model("Qwen/Qwen3-32B", "qwen/qwen3-32b-fp8", price("0.10", "0.45"), { context: 40_960 }),
  ],
  tasks: [
    ...novitaTasks,
    embedder("BAAI/bge-m3", "baai/bge-m3", "0.01"),
    reranker("BAAI/bge-reranker-v2-m3", "baai/bge-reranker-v2-m3", { input: "0.01" }),
    generator("mistralai/Mistral-7B-v0.1", "mistralai/mistral-7b-v0.1", "0.03", "0.05"),
  ],
  endpoints: [
    {
      kind: "chat",
      method: "POST",
      path: "/v3/openai/chat/completions",
      chat: openAiChat({
        stream: { role: "own", usage: "always" },
        usage: details,
        chunk: (facts) => ({
          ...withChoices(openAiChunk(facts), filtered),
          system_fingerprint: "",
        }),
        plain: (facts) => ({
          ...withChoices(openAiPlain(facts), filtered),
          system_fingerprint: "",
        }),
        headers: ({ head }) => ({ "x-trace-id": head.fingerprint }),
        fingerprint: (ids) => ids.hex(32),
      }),
    },
    {
      kind: "chat",
      method: "POST",
      path: "/v3/openai/completions",
      task: "text-generation",
      chat: openAiCompletions({ stream: { usage: "always" }, usage: details }),
    },
    { kind: "models", method: "GET", path: "/v3/openai/models", list: listing },
    { kind: "models", method: "GET", path: "/v3/openai/v1/models", list: listing },
    { kind: "models", method: "GET", path: "/openai/v1/models", list: listing },
    // Source: Novita API reference, "Create embeddings" and "Create rerank", read 2026-11-28.
    openAiEmbeddings("/openai/v1/embeddings"),
    rerankRoute("/openai/v1/rerank", "results"),
    ...novitaMedia,
  ],
  error: (facts) => {
    const { status, message, code } = worded(facts, WORDINGS);
    return { status, body: { code: status, reason: code, message, metadata: {} } };
  },
};
