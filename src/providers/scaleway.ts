import { openAiChat } from "./families/openai-chat.js";
import { bearer, type Provider } from "./provider.js";

export const scaleway = {
  id: "scaleway",
  name: "Scaleway",
  origin: "https://api.scaleway.ai",
  auth: bearer,
  keyVariable: "SCALEWAY_API_KEY",
  needsKey: true,
  tasks: {
    conversational: openAiChat({ path: "/v1/chat/completions" }),
  },
} as const satisfies Provider;
