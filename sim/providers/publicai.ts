import { openAiChat } from "../families/openai-chat.js";
import { openAiErrors } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";

/** Public AI. No recordings: OpenAI's form throughout, which is an assumption. */
export const publicai: Provider = {
  id: "publicai",
  requestIdHeader: "x-request-id",
  requestId: (ids) => ids.uuid(),
  price: price("0.10", "0.20"),
  models: [
    model(
      "swiss-ai/Apertus-8B-Instruct-2509",
      "swiss-ai/apertus-8b-instruct",
      price("0.05", "0.10"),
      {
        context: 65_536,
        tools: false,
      },
    ),
    model(
      "swiss-ai/Apertus-70B-Instruct-2509",
      "swiss-ai/apertus-70b-instruct",
      price("0.82", "2.92"),
      {
        context: 65_536,
      },
    ),
  ],
  endpoints: [
    { kind: "chat", method: "POST", path: "/v1/chat/completions", chat: openAiChat() },
    { kind: "models", method: "GET", path: "/v1/models", list: openAiModels() },
  ],
  error: openAiErrors(),
};
