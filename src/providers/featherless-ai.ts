import { openAiChat } from "./families/openai-chat.js";
import { bearer, type Provider } from "./provider.js";

export const featherlessAi = {
  id: "featherless-ai",
  name: "Featherless AI",
  origin: "https://api.featherless.ai",
  auth: bearer,
  keyVariable: "FEATHERLESS_API_KEY",
  needsKey: true,
  tasks: {
    conversational: openAiChat({ path: "/v1/chat/completions" }),
  },
} as const satisfies Provider;
