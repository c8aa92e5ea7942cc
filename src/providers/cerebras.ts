import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { bearer, type Provider } from "./provider.js";

export const cerebras = {
  id: "cerebras",
  name: "Cerebras",
  origin: "https://api.cerebras.ai",
  auth: bearer,
  keyVariable: "CEREBRAS_API_KEY",
  needsKey: true,
  listing: modelList("/v1/models"),
  tasks: {
    conversational: openAiChat({
      path: "/v1/chat/completions",
      // It answers 400 `wrong_api_format` to members it does not know.
      leaveOut: ["store"],
      usageInStream: "always",
    }),
  },
} as const satisfies Provider;
