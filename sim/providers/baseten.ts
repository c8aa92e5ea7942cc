import { openAiChat } from "../families/openai-chat.js";
import { worded } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";

/** Baseten. No recordings: OpenAI's form; `{"error": "text"}` for errors is invented. */
export const baseten: Provider = {
  id: "baseten",
  requestIdHeader: "x-baseten-request-id",
  requestId: (ids) => ids.hex(32),
  price: price("0.30", "1.20"),
  models: [
    model("openai/gpt-oss-120b", "openai/gpt-oss-120b", price("0.10", "0.50")),
    model("deepseek-ai/DeepSeek-V3.1", "deepseek-ai/DeepSeek-V3.1", price("0.50", "1.50"), {
      context: 163_840,
    }),
  ],
  endpoints: [
    { kind: "chat", method: "POST", path: "/v1/chat/completions", chat: openAiChat() },
    { kind: "models", method: "GET", path: "/v1/models", list: openAiModels() },
  ],
  error: (facts) => {
    const { status, message } = worded(facts, {});
    return { status, body: { error: message } };
  },
};
