import { openAiChat } from "./families/openai-chat.js";
import { bearer, type Provider } from "./provider.js";

export const together = {
  id: "together",
  name: "Together AI",
  origin: "https://api.together.xyz",
  auth: bearer,
  keyVariable: "TOGETHER_API_KEY",
  needsKey: true,
  tasks: {
    conversational: openAiChat({
      path: "/v1/chat/completions",
      schemaForms: ["flat_schema"],
      finishReasons: { eos: "stop" },
    }),
  },
} as const satisfies Provider;
