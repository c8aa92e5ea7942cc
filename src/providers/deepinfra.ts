import { openAiChat } from "./families/openai-chat.js";
import { openAiCompletions } from "./families/openai-completions.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { rerankByScores } from "./families/rerank.js";
import { bearer, type Provider } from "./provider.js";
import { modelRoute } from "./request.js";

export const deepinfra = {
  id: "deepinfra",
  name: "DeepInfra",
  origin: "https://api.deepinfra.com",
  auth: bearer,
  keyVariable: "DEEPINFRA_API_KEY",
  needsKey: true,
  tasks: {
    conversational: openAiChat({ path: "/v1/openai/chat/completions" }),
    "text-generation": openAiCompletions("/v1/openai/completions"),
    "feature-extraction": openAiEmbeddings("/v1/openai/embeddings"),
    "text-ranking": rerankByScores((model) => `/v1/inference/${model}`),
  },
  routes: [
    modelRoute("/v1/openai/completions", "text-generation"),
    modelRoute("/v1/openai/embeddings", "feature-extraction"),
    { method: "POST", path: "/v1/inference/{model}", tasks: ["text-ranking"] },
  ],
} as const satisfies Provider;
