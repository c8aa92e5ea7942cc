import { openAiChat } from "./families/openai-chat.js";
import { chatCompletions } from "./families/openai-completions.js";
import { bearer, type Provider } from "./provider.js";

export const hyperbolic = {
  id: "hyperbolic",
  name: "Hyperbolic",
  origin: "https://api.hyperbolic.xyz",
  auth: bearer,
  keyVariable: "HYPERBOLIC_API_KEY",
  needsKey: true,
  tasks: {
    conversational: openAiChat({ path: "/v1/chat/completions" }),
    "text-generation": chatCompletions("/v1/chat/completions"),
  },
} as const satisfies Provider;
