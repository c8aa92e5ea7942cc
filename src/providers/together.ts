import { openAiChat } from "./families/openai-chat.js";
import { openAiCompletions } from "./families/openai-completions.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { rerank } from "./families/rerank.js";
import { bearer, type Provider } from "./provider.js";
import { modelRoute } from "./request.js";

export const together = {
  id: "together",
  name: "Together AI",
  origin: "https://api.together.xyz",
  auth: bearer,
  keyVariable: "TOGETHER_API_KEY",
  needsKey: true,
  tasks: {
    conversational: openAiChat({
      path: "/v1/chat/completions",
      schemaForms: ["flat_schema"],
      finishReasons: { eos: "stop" },
    }),
    "text-generation": openAiCompletions("/v1/completions"),
    "feature-extraction": openAiEmbeddings("/v1/embeddings"),
    "text-ranking": rerank("/v1/rerank"),
  },
  routes: [
    modelRoute("/v1/completions", "text-generation"),
    modelRoute("/v1/embeddings", "feature-extraction"),
    modelRoute("/v1/rerank", "text-ranking"),
  ],
} as const satisfies Provider;
