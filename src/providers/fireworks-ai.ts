import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { openAiCompletions } from "./families/openai-completions.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { rerank } from "./families/rerank.js";
import { bearer, type Provider } from "./provider.js";
import { modelRoute } from "./request.js";

export const fireworksAi = {
  id: "fireworks-ai",
  name: "Fireworks AI",
  origin: "https://api.fireworks.ai",
  auth: bearer,
  keyVariable: "FIREWORKS_API_KEY",
  needsKey: true,
  listing: modelList("/inference/v1/models"),
  tasks: {
    conversational: openAiChat({
      path: "/inference/v1/chat/completions",
      schemaForms: ["object_schema", "openai_schema"],
    }),
    "text-generation": openAiCompletions("/inference/v1/completions"),
    // Source: Fireworks documentation, "Embeddings & Reranking", read 2026-11-28.
    "feature-extraction": openAiEmbeddings("/inference/v1/embeddings"),
    "text-ranking": rerank("/inference/v1/rerank"),
  },
  routes: [
    modelRoute("/inference/v1/completions", "text-generation"),
    modelRoute("/inference/v1/embeddings", "feature-extraction"),
    modelRoute("/inference/v1/rerank", "text-ranking"),
  ],
} as const satisfies Provider;
