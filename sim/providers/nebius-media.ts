import { openAiImages } from "../families/openai-images.js";
import { taskModel } from "../model-entry.js";
import type { Endpoint } from "../provider.js";
import type { TaskModel } from "../provider-facts.js";

export const nebiusTasks: readonly TaskModel[] = [
  taskModel("text-to-image", "stabilityai/stable-diffusion-xl-base-1.0", "stability-ai/sdxl", {
    image: "0.003",
  }),
  taskModel("text-to-image", "black-forest-labs/FLUX.1-schnell", "black-forest-labs/flux-schnell", {
    image: "0.0013",
  }),
];

/** Nebius' images, as on a recording of 2025-02: WebP, and an id but no time. */
export const nebiusMedia: readonly Endpoint[] = [
  openAiImages({
    path: "/v1/images/generations",
    size: { width: 1024, height: 1024 },
    format: "webp",
    forms: { url: "url", b64_json: "b64_json" },
    whole: (data, { ids }) => ({ data, id: `text2img-${ids.uuid()}` }),
  }),
];
