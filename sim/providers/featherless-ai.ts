import { openAiChat } from "../families/openai-chat.js";
import { openAiCompletions } from "../families/openai-completions.js";
import { openAiErrors } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";
import { generator } from "../text/models.js";

/** Featherless. No recordings: OpenAI's form throughout; the wording of errors is invented. */
export const featherlessAi: Provider = {
  id: "featherless-ai",
  requestIdHeader: "x-request-id",
  requestId: (ids) => ids.uuid(),
  price: price("0.10", "0.10"),
  models: [
    model(
      "meta-llama/Llama-3.1-8B-Instruct",
      "meta-llama/Meta-Llama-3.1-8B-Instruct",
      price("0.10", "0.10"),
      {
        context: 32_768,
        tools: false,
        structured: false,
      },
    ),
    model("Qwen/Qwen3-32B", "Qwen/Qwen3-32B", price("0.10", "0.10"), { context: 32_768 }),
  ],
  tasks: [generator("mistralai/Mistral-7B-v0.1", "mistralai/Mistral-7B-v0.1", "0.10", "0.10")],
  endpoints: [
    {
      kind: "chat",
      method: "POST",
      path: "/v1/chat/completions",
      chat: openAiChat({ bodyId: (ids) => ids.alphanumeric(6) }),
    },
    {
      kind: "chat",
      method: "POST",
      path: "/v1/completions",
      task: "text-generation",
      chat: openAiCompletions(),
    },
    {
      kind: "models",
      method: "GET",
      path: "/v1/models",
      list: openAiModels((one) => ({
        model_class: "llm",
        max_completion_tokens: 4096,
        available_on_current_plan: one.context > 0,
      })),
    },
  ],
  error: openAiErrors({
    unauthorized: { message: () => "Invalid API key.", type: "unauthorized" },
    rate_limited: {
      message: () => "Concurrency limit exceeded.",
      type: "concurrency_limit_exceeded",
    },
  }),
};
