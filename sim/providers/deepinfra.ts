import { countsWhenKnown, openAiChat, openAiChunk, openAiPlain } from "../families/openai-chat.js";
import { openAiCompletions } from "../families/openai-completions.js";
import { openAiEmbeddings } from "../families/openai-embeddings.js";
import { openAiErrors } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";
import { embedder, generator, reranker } from "../text/models.js";
import { deepinfraMedia, deepinfraTasks } from "./deepinfra-media.js";
import { deepinfraRerank } from "./deepinfra-rerank.js";

/** DeepInfra. No recordings: OpenAI's form, errors as reported by users in 2026. */
export const deepinfra: Provider = {
  id: "deepinfra",
  requestIdHeader: "x-request-id",
  requestId: (ids) => ids.uuid(),
  price: price("0.10", "0.30"),
  models: [
    model(
      "meta-llama/Llama-3.1-8B-Instruct",
      "meta-llama/Meta-Llama-3.1-8B-Instruct",
      price("0.03", "0.05"),
    ),
    model(
      "deepseek-ai/DeepSeek-V3.1",
      "deepseek-ai/DeepSeek-V3.1",
      price("0.27", "1.00", "0.216"),
      {
        context: 163_840,
      },
    ),
    model("openai/gpt-oss-120b", "openai/gpt-oss-120b", price("0.09", "0.45")),
    model("Qwen/Qwen3-32B", "Qwen/Qwen3-32B", price("0.10", "0.30"), { context: 40_960 }),
  ],
  tasks: [
    ...deepinfraTasks,
    embedder("BAAI/bge-m3", "BAAI/bge-m3", "0.010"),
    embedder("Qwen/Qwen3-Embedding-8B", "Qwen/Qwen3-Embedding-8B", "0.010"),
    reranker("Qwen/Qwen3-Reranker-8B", "Qwen/Qwen3-Reranker-8B", { input: "0.050" }),
    generator("mistralai/Mixtral-8x7B-v0.1", "mistralai/Mixtral-8x7B-v0.1", "0.24", "0.24"),
  ],
  endpoints: [
    {
      kind: "chat",
      method: "POST",
      path: "/v1/openai/chat/completions",
      chat: openAiChat({
        bodyId: (ids) => `chatcmpl-${ids.alphanumeric(24)}`,
        chunk: openAiChunk,
        plain: openAiPlain,
        usage: countsWhenKnown,
      }),
    },
    {
      kind: "chat",
      method: "POST",
      path: "/v1/openai/completions",
      task: "text-generation",
      chat: openAiCompletions(),
    },
    openAiEmbeddings("/v1/openai/embeddings"),
    deepinfraRerank,
    {
      kind: "models",
      method: "GET",
      path: "/v1/openai/models",
      list: openAiModels((one) => ({
        root: one.id,
        parent: null,
        metadata: {
          context_length: one.context,
          max_tokens: one.context,
          pricing: { input_tokens: one.pricing.input, output_tokens: one.pricing.output },
        },
      })),
    },
    ...deepinfraMedia,
  ],
  error: openAiErrors({
    unauthorized: { message: () => "Not authenticated", code: null },
    rate_limited: {
      message: () => "Model busy, retry later",
      type: "rate_limit_error",
      code: null,
    },
    server_error: { message: () => "inference exception" },
  }),
};
