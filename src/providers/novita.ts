import { openAiChat } from "./families/openai-chat.js";
import { openAiCompletions } from "./families/openai-completions.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { rerank } from "./families/rerank.js";
import { bearer, type Provider } from "./provider.js";
import { modelRoute } from "./request.js";

export const novita = {
  id: "novita",
  name: "Novita",
  origin: "https://api.novita.ai",
  auth: bearer,
  keyVariable: "NOVITA_API_KEY",
  needsKey: true,
  requestIdHeader: "inference-id",
  tasks: {
    conversational: openAiChat({ path: "/v3/openai/chat/completions" }),
    "text-generation": openAiCompletions("/v3/openai/completions"),
    // Source: Novita API reference, "Create embeddings" and "Create rerank", read 2026-11-28.
    "feature-extraction": openAiEmbeddings("/openai/v1/embeddings"),
    "text-ranking": rerank("/openai/v1/rerank"),
  },
  routes: [
    modelRoute("/openai/v1/completions", "text-generation"),
    modelRoute("/v3/openai/completions", "text-generation"),
    modelRoute("/openai/v1/embeddings", "feature-extraction"),
    modelRoute("/openai/v1/rerank", "text-ranking"),
  ],
} as const satisfies Provider;
