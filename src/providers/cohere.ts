import { openAiChat } from "./families/openai-chat.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { rerank } from "./families/rerank.js";
import { bearer, type Provider } from "./provider.js";
import { modelRoute } from "./request.js";

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
    "feature-extraction": openAiEmbeddings("/compatibility/v1/embeddings"),
    "text-ranking": rerank("/v2/rerank"),
  },
  routes: [
    modelRoute("/compatibility/v1/embeddings", "feature-extraction"),
    modelRoute("/v2/rerank", "text-ranking"),
    // The routes of Cohere's own SDK, in its versions 1 and 2.
    modelRoute("/v1/rerank", "text-ranking"),
    modelRoute("/v2/embed", "feature-extraction"),
    modelRoute("/v1/embed", "feature-extraction"),
  ],
} as const satisfies Provider;
