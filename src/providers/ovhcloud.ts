import { openAiChat } from "./families/openai-chat.js";
import { bearer, type Provider } from "./provider.js";

export const ovhcloud = {
  id: "ovhcloud",
  name: "OVHcloud AI Endpoints",
  origin: "https://oai.endpoints.kepler.ai.cloud.ovh.net",
  auth: bearer,
  keyVariable: "OVHCLOUD_API_KEY",
  needsKey: true,
  tasks: {
    conversational: openAiChat({ path: "/v1/chat/completions" }),
  },
} as const satisfies Provider;
