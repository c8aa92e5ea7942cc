import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { openAiCompletions } from "./families/openai-completions.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { bearer, type Provider } from "./provider.js";
import { modelRoute } from "./request.js";

export const ovhcloud = {
  id: "ovhcloud",
  name: "OVHcloud AI Endpoints",
  origin: "https://oai.endpoints.kepler.ai.cloud.ovh.net",
  auth: bearer,
  keyVariable: "OVHCLOUD_API_KEY",
  needsKey: true,
  listing: modelList("/v1/models"),
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
