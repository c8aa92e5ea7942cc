import { openAiChat } from "./families/openai-chat.js";
import { bearer, type Provider } from "./provider.js";

export const cohere = {
  id: "cohere",
  name: "Cohere",
  origin: "https://api.cohere.com",
  auth: bearer,
  keyVariable: "COHERE_API_KEY",
  needsKey: true,
  tasks: {
    conversational: openAiChat({
      path: "/compatibility/v1/chat/completions",
      schemaForms: ["object_schema", "openai_schema"],
    }),
  },
} as const satisfies Provider;
