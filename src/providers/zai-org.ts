import { openAiChat } from "./families/openai-chat.js";
import { bearer, type Provider } from "./provider.js";

export const zaiOrg = {
  id: "zai-org",
  name: "Z.ai",
  origin: "https://api.z.ai",
  auth: bearer,
  headers: { "x-source-channel": "hugging_face", "accept-language": "en-US,en" },
  keyVariable: "ZAI_API_KEY",
  needsKey: true,
  tasks: {
    conversational: openAiChat({ path: "/api/paas/v4/chat/completions" }),
  },
} as const satisfies Provider;
