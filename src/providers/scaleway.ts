import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { openAiCompletions } from "./families/openai-completions.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { bearer, type Provider } from "./provider.js";
import { modelRoute } from "./request.js";

export const scaleway = {
  id: "scaleway",
  name: "Scaleway",
  origin: "https://api.scaleway.ai",
  auth: bearer,
  keyVariable: "SCALEWAY_API_KEY",
  needsKey: true,
  // Its prices are in euros.
  listing: modelList("/v1/models", { priceOf: () => undefined }),
  tasks: {
    conversational: openAiChat({ path: "/v1/chat/completions" }),
    "text-generation": openAiCompletions("/v1/completions"),
    "feature-extraction": openAiEmbeddings("/v1/embeddings"),
  },
  routes: [
    modelRoute("/v1/completions", "text-generation"),
    modelRoute("/v1/embeddings", "feature-extraction"),
  ],
} as const satisfies Provider;
