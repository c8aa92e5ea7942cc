import { base64 } from "../media/make.js";
import { taskModel } from "../model-entry.js";
import type { Endpoint } from "../provider.js";
import type { TaskModel } from "../provider-facts.js";
import { badRequest, json } from "../task/answer.js";
import { draw } from "../task/draw.js";
import { seedIn, textAt } from "../task/read.js";
import { workSeconds } from "../task/worked.js";

export const hyperbolicTasks: readonly TaskModel[] = [
  taskModel("text-to-image", "stabilityai/sdxl-turbo", "SDXL-turbo", { image: "0.0015" }),
  taskModel("text-to-image", "stabilityai/stable-diffusion-2", "SD2", { image: "0.001" }),
];

/** Hyperbolic's images, as on recordings of 2025-02: the model is in `model_name`, the picture PNG in base64. */
export const hyperbolicMedia: readonly Endpoint[] = [
  {
    kind: "task",
    method: "POST",
    path: "/v1/images/generations",
    task: "text-to-image",
    answer(ask) {
      const model = textAt(ask.json, "model_name");
      if (!model) return badRequest("model_name", "missing field `model_name`");
      const drawn = draw(ask, ask.json, { size: { width: 1024, height: 1024 }, format: "png" });
      if ("refused" in drawn) return drawn;
      const images = drawn.pictures.map((picture, index) => ({
        index,
        image: base64(picture),
        random_seed: seedIn(ask, ask.json),
      }));
      const { units } = drawn;
      return json({ images, inference_time: workSeconds(units) }, { units, model });
    },
  },
];
