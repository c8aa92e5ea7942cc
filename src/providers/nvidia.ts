import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { bearer, type Provider } from "./provider.js";

export const nvidia = {
  id: "nvidia",
  name: "NVIDIA",
  origin: "https://integrate.api.nvidia.com",
  auth: bearer,
  keyVariable: "NVIDIA_API_KEY",
  needsKey: true,
  listing: modelList("/v1/models"),
  tasks: {
    conversational: openAiChat({ path: "/v1/chat/completions" }),
  },
} as const satisfies Provider;
