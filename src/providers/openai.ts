import { openAiChat } from "./families/openai-chat.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { bearer, type Provider } from "./provider.js";
import { modelRoute } from "./request.js";

export const openai = {
  id: "openai",
  name: "OpenAI",
  origin: "https://api.openai.com",
  auth: bearer,
  keyVariable: "OPENAI_API_KEY",
  needsKey: true,
  tasks: {
    conversational: openAiChat({
      path: "/v1/chat/completions",
      // The reasoning models refuse `max_tokens`; all models take its successor.
      maxTokensName: "max_completion_tokens",
    }),
    "feature-extraction": openAiEmbeddings("/v1/embeddings"),
  },
  routes: [modelRoute("/v1/embeddings", "feature-extraction")],
} as const satisfies Provider;
