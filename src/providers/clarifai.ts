import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import type { Provider } from "./provider.js";

/** Source of the variable: Clarifai documentation, "OpenAI", read 2026-11-28. It holds a personal access token. */
export const clarifai = {
  id: "clarifai",
  name: "Clarifai",
  origin: "https://api.clarifai.com",
  auth: { header: "authorization", scheme: "Key" },
  keyVariable: "CLARIFAI_PAT",
  needsKey: true,
  listing: modelList("/v2/ext/openai/v1/models"),
  tasks: {
    conversational: openAiChat({ path: "/v2/ext/openai/v1/chat/completions" }),
  },
} as const satisfies Provider;
