import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { openAiImages } from "./families/openai-images.js";
import { withSize } from "./families/task-input.js";
import { bearer, type Provider } from "./provider.js";
import { flat, modelRoute } from "./request.js";

const IMAGES = "/v1/images/generations";

export const nscale = {
  id: "nscale",
  name: "Nscale",
  origin: "https://inference.api.nscale.com",
  auth: bearer,
  keyVariable: "NSCALE_API_KEY",
  needsKey: true,
  listing: modelList("/v1/models", { hasHubIds: true }),
  tasks: {
    conversational: openAiChat({ path: "/v1/chat/completions" }),
    "text-to-image": openAiImages({
      path: IMAGES,
      options: (input) => withSize(flat(input)),
      format: "b64_json",
    }),
  },
  routes: [modelRoute(IMAGES, "text-to-image")],
} as const satisfies Provider;
