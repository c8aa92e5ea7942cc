import { openAiImages } from "../families/openai-images.js";
import { taskModel } from "../model-entry.js";
import type { Endpoint } from "../provider.js";
import type { TaskModel } from "../provider-facts.js";

export const nscaleTasks: readonly TaskModel[] = [
  taskModel(
    "text-to-image",
    "black-forest-labs/FLUX.1-schnell",
    "black-forest-labs/FLUX.1-schnell",
    { megapixel: "0.0013" },
  ),
];

/** Images in OpenAI's form, always inside the answer: Hugging Face's clients know no links of it. */
export const nscaleMedia: readonly Endpoint[] = [
  openAiImages({
    path: "/v1/images/generations",
    size: { width: 1024, height: 1024 },
    format: "jpeg",
    forms: { b64_json: "b64_json" },
  }),
];
