import { openAiChat } from "./families/openai-chat.js";
import { bearer, type Provider } from "./provider.js";

export const fireworksAi = {
  id: "fireworks-ai",
  name: "Fireworks AI",
  origin: "https://api.fireworks.ai",
  auth: bearer,
  keyVariable: "FIREWORKS_API_KEY",
  needsKey: true,
  tasks: {
    conversational: openAiChat({
      path: "/inference/v1/chat/completions",
      schemaForms: ["object_schema", "openai_schema"],
    }),
  },
} as const satisfies Provider;
