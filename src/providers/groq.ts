import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { chatCompletions } from "./families/openai-completions.js";
import { bearer, type Provider } from "./provider.js";

export const groq = {
  id: "groq",
  name: "Groq",
  origin: "https://api.groq.com",
  auth: bearer,
  keyVariable: "GROQ_API_KEY",
  needsKey: true,
  listing: modelList("/openai/v1/models"),
  tasks: {
    conversational: openAiChat({ path: "/openai/v1/chat/completions" }),
    // Groq has no completions. Hugging Face's client posts a prompt to its chat, which refuses it.
    "text-generation": chatCompletions("/openai/v1/chat/completions"),
  },
} as const satisfies Provider;
