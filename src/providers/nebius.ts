import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { openAiCompletions } from "./families/openai-completions.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { openAiImages } from "./families/openai-images.js";
import { bearer, type Provider } from "./provider.js";
import { modelRoute } from "./request.js";

export const nebius = {
  id: "nebius",
  name: "Nebius AI Studio",
  origin: "https://api.studio.nebius.ai",
  auth: bearer,
  keyVariable: "NEBIUS_API_KEY",
  needsKey: true,
  listing: modelList("/v1/models"),
  tasks: {
    conversational: openAiChat({
      path: "/v1/chat/completions",
      // As Hugging Face's clients did: not all of its models look into `response_format`.
      schemaCopy: "guided_json",
    }),
    "text-generation": openAiCompletions("/v1/completions"),
    "feature-extraction": openAiEmbeddings("/v1/embeddings"),
    "text-to-image": openAiImages({ path: "/v1/images/generations", format: "b64_json" }),
  },
  routes: [
    modelRoute("/v1/completions", "text-generation"),
    modelRoute("/v1/embeddings", "feature-extraction"),
    modelRoute("/v1/images/generations", "text-to-image"),
  ],
} as const satisfies Provider;
