import { openAiChat } from "../families/openai-chat.js";
import { openAiCompletions } from "../families/openai-completions.js";
import { openAiEmbeddings } from "../families/openai-embeddings.js";
import { worded } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";
import { embedder, generator } from "../text/models.js";

/** OVHcloud AI Endpoints. No recordings: OpenAI's form; `{"message"}` for errors is invented. */
export const ovhcloud: Provider = {
  id: "ovhcloud",
  requestIdHeader: "x-request-id",
  requestId: (ids) => ids.uuid(),
  price: price("0.10", "0.30"),
  models: [
    model("meta-llama/Llama-3.1-8B-Instruct", "Llama-3.1-8B-Instruct", price("0.11", "0.11")),
    model(
      "meta-llama/Llama-3.3-70B-Instruct",
      "Meta-Llama-3_3-70B-Instruct",
      price("0.74", "0.74"),
    ),
    model("Qwen/Qwen3-32B", "Qwen3-32B", price("0.09", "0.25"), { context: 32_768 }),
    model("openai/gpt-oss-120b", "gpt-oss-120b", price("0.09", "0.47")),
  ],
  tasks: [
    embedder("BAAI/bge-m3", "bge-m3", "0.01"),
    embedder("Qwen/Qwen3-Embedding-8B", "Qwen3-Embedding-8B", "0.10"),
    generator("mistralai/Mistral-7B-v0.1", "Mistral-7B-v0.1", "0.10", "0.10"),
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
    const { status, message } = worded(facts, {});
    return { status, body: { message, request_id: facts.requestId } };
  },
};
