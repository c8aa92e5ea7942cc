import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { bearer, type Provider } from "./provider.js";

export const publicai = {
  id: "publicai",
  name: "Public AI",
  origin: "https://api.publicai.co",
  auth: bearer,
  keyVariable: "PUBLICAI_API_KEY",
  needsKey: true,
  listing: modelList("/v1/models", { hasHubIds: true }),
  tasks: {
    conversational: openAiChat({ path: "/v1/chat/completions" }),
  },
} as const satisfies Provider;
