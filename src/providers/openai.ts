import { openAiChat } from "./families/openai-chat.js";
import { bearer, type Provider } from "./provider.js";

export const openai = {
  id: "openai",
  name: "OpenAI",
  origin: "https://api.openai.com",
  auth: bearer,
  keyVariable: "OPENAI_API_KEY",
  needsKey: true,
  tasks: {
    conversational: openAiChat({
      path: "/v1/chat/completions",
      // The reasoning models refuse `max_tokens`; all models take its successor.
      maxTokensName: "max_completion_tokens",
    }),
  },
} as const satisfies Provider;
