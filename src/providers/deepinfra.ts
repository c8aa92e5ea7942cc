import { openAiChat } from "./families/openai-chat.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { bearer, type Provider } from "./provider.js";

export const deepinfra = {
  id: "deepinfra",
  name: "DeepInfra",
  origin: "https://api.deepinfra.com",
  auth: bearer,
  keyVariable: "DEEPINFRA_API_KEY",
  needsKey: true,
  tasks: {
    conversational: openAiChat({ path: "/v1/openai/chat/completions" }),
    "feature-extraction": openAiEmbeddings("/v1/openai/embeddings"),
  },
} as const satisfies Provider;
