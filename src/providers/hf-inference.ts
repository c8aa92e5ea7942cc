import { hfRoutes, hfTasks } from "./families/hf-tasks.js";
import { bearer, type Provider } from "./provider.js";

export const hfInference = {
  id: "hf-inference",
  name: "HF Inference",
  origin: "https://router.huggingface.co/hf-inference",
  auth: bearer,
  keyVariable: "HF_TOKEN",
  needsKey: true,
  requestIdHeader: "x-inference-id",
  tasks: hfTasks(),
  routes: hfRoutes,
} as const satisfies Provider;
