import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { chatCompletions } from "./families/openai-completions.js";
import { openAiImages } from "./families/openai-images.js";
import { bearer, type Provider } from "./provider.js";

export const hyperbolic = {
  id: "hyperbolic",
  name: "Hyperbolic",
  origin: "https://api.hyperbolic.xyz",
  auth: bearer,
  keyVariable: "HYPERBOLIC_API_KEY",
  needsKey: true,
  listing: modelList("/v1/models"),
  tasks: {
    conversational: openAiChat({ path: "/v1/chat/completions" }),
    "text-generation": chatCompletions("/v1/chat/completions"),
    "text-to-image": openAiImages({ path: "/v1/images/generations", modelName: "model_name" }),
  },
  routes: [
    {
      method: "POST",
      path: "/v1/images/generations",
      tasks: ["text-to-image"],
      model: "model_name",
    },
  ],
} as const satisfies Provider;
