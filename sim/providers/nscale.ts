import { openAiChat } from "../families/openai-chat.js";
import { vllmErrors } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";
import { nscaleMedia, nscaleTasks } from "./nscale-media.js";

/** Nscale. No recordings: vLLM's form of OpenAI's API, which is an assumption. */
export const nscale: Provider = {
  id: "nscale",
  requestIdHeader: "x-request-id",
  requestId: (ids) => ids.uuid(),
  price: price("0.10", "0.30"),
  models: [
    model(
      "meta-llama/Llama-3.1-8B-Instruct",
      "meta-llama/Llama-3.1-8B-Instruct",
      price("0.06", "0.06"),
    ),
    model("Qwen/Qwen3-32B", "Qwen/Qwen3-32B", price("0.08", "0.25"), { context: 32_768 }),
    model("openai/gpt-oss-120b", "openai/gpt-oss-120b", price("0.10", "0.40")),
  ],
  tasks: nscaleTasks,
  endpoints: [
    { kind: "chat", method: "POST", path: "/v1/chat/completions", chat: openAiChat() },
    { kind: "models", method: "GET", path: "/v1/models", list: openAiModels() },
    ...nscaleMedia,
  ],
  error: vllmErrors({ unauthorized: { message: () => "Invalid service token" } }),
};
