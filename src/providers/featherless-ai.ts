import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { openAiCompletions } from "./families/openai-completions.js";
import { bearer, type Provider } from "./provider.js";
import { modelRoute } from "./request.js";

export const featherlessAi = {
  id: "featherless-ai",
  name: "Featherless AI",
  origin: "https://api.featherless.ai",
  auth: bearer,
  keyVariable: "FEATHERLESS_API_KEY",
  needsKey: true,
  listing: modelList("/v1/models", { hasHubIds: true, task: "conversational" }),
  tasks: {
    conversational: openAiChat({ path: "/v1/chat/completions" }),
    "text-generation": openAiCompletions("/v1/completions"),
  },
  routes: [modelRoute("/v1/completions", "text-generation")],
} as const satisfies Provider;
