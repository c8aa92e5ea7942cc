import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { bearer, type Provider } from "./provider.js";

export const baseten = {
  id: "baseten",
  name: "Baseten",
  origin: "https://inference.baseten.co",
  auth: bearer,
  keyVariable: "BASETEN_API_KEY",
  needsKey: true,
  listing: modelList("/v1/models", { hasHubIds: true }),
  tasks: {
    conversational: openAiChat({ path: "/v1/chat/completions" }),
  },
} as const satisfies Provider;
