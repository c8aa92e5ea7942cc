import { openAiChat } from "../families/openai-chat.js";
import { openAiCompletions } from "../families/openai-completions.js";
import { openAiEmbeddings } from "../families/openai-embeddings.js";
import { worded } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";
import { embedder, generator } from "../text/models.js";

/** Scaleway Generative APIs. No recordings: vLLM's older flat error is an assumption. */
export const scaleway: Provider = {
  id: "scaleway",
  requestIdHeader: "x-request-id",
  requestId: (ids) => ids.uuid(),
  price: price("0.20", "0.60"),
  models: [
    model("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b-instruct", price("0.20", "0.20"), {
      context: 128_000,
    }),
    model("openai/gpt-oss-120b", "gpt-oss-120b", price("0.15", "0.60")),
    model("meta-llama/Llama-3.3-70B-Instruct", "llama-3.3-70b-instruct", price("0.90", "0.90")),
  ],
  tasks: [
    embedder("BAAI/bge-multilingual-gemma2", "bge-multilingual-gemma2", "0.10"),
    embedder("Qwen/Qwen3-Embedding-8B", "qwen3-embedding-8b", "0.10"),
    generator("mistralai/Mistral-Nemo-Base-2407", "mistral-nemo-base-2407", "0.20", "0.20"),
  ],
  endpoints: [
    { kind: "chat", method: "POST", path: "/v1/chat/completions", chat: openAiChat() },
    {
      kind: "chat",
      method: "POST",
      path: "/v1/completions",
      task: "text-generation",
      chat: openAiCompletions(),
    },
    openAiEmbeddings("/v1/embeddings"),
    { kind: "models", method: "GET", path: "/v1/models", list: openAiModels() },
  ],
  error: (facts) => {
    const { status, message, type, param } = worded(facts, {});
    return { status, body: { object: "error", message, type, param, code: status } };
  },
};
