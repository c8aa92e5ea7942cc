import { openAiImages } from "./families/openai-images.js";
import { bearer, type Provider } from "./provider.js";

export const nebius = {
  id: "nebius",
  name: "Nebius AI Studio",
  origin: "https://api.studio.nebius.ai",
  auth: bearer,
  keyVariable: "NEBIUS_API_KEY",
  needsKey: true,
  tasks: {
    "text-to-image": openAiImages({ path: "/v1/images/generations", format: "b64_json" }),
  },
  routes: [
    { method: "POST", path: "/v1/images/generations", tasks: ["text-to-image"], model: "model" },
  ],
} as const satisfies Provider;
