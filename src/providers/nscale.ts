import { openAiChat } from "./families/openai-chat.js";
import { bearer, type Provider } from "./provider.js";

export const nscale = {
  id: "nscale",
  name: "Nscale",
  origin: "https://inference.api.nscale.com",
  auth: bearer,
  keyVariable: "NSCALE_API_KEY",
  needsKey: true,
  tasks: {
    conversational: openAiChat({ path: "/v1/chat/completions" }),
  },
} as const satisfies Provider;
