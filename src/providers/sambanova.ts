import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { bearer, type Provider } from "./provider.js";
import { modelRoute } from "./request.js";

export const sambanova = {
  id: "sambanova",
  name: "SambaNova",
  origin: "https://api.sambanova.ai",
  auth: bearer,
  keyVariable: "SAMBANOVA_API_KEY",
  needsKey: true,
  listing: modelList("/v1/models"),
  tasks: {
    conversational: openAiChat({
      path: "/v1/chat/completions",
      // As Hugging Face's clients did: it refuses strict schemas.
      isNeverStrict: true,
    }),
    "feature-extraction": openAiEmbeddings("/v1/embeddings"),
  },
  routes: [modelRoute("/v1/embeddings", "feature-extraction")],
} as const satisfies Provider;
