import { openAiChat } from "./families/openai-chat.js";
import { bearer, type Provider } from "./provider.js";

export const novita = {
  id: "novita",
  name: "Novita",
  origin: "https://api.novita.ai",
  auth: bearer,
  keyVariable: "NOVITA_API_KEY",
  needsKey: true,
  requestIdHeader: "inference-id",
  tasks: {
    conversational: openAiChat({ path: "/v3/openai/chat/completions" }),
  },
} as const satisfies Provider;
