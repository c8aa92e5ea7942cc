import { openAiChat } from "./families/openai-chat.js";
import { bearer, type Provider } from "./provider.js";
import { computeTimeHeader } from "./reported.js";

export const hfInference = {
  id: "hf-inference",
  name: "HF Inference",
  origin: "https://router.huggingface.co/hf-inference",
  auth: bearer,
  keyVariable: "HF_TOKEN",
  needsKey: true,
  requestIdHeader: "x-inference-id",
  tasks: {
    conversational: openAiChat({
      path: (model) => `/models/${model}/v1/chat/completions`,
      // Text Generation Inference reads a schema from `value`; newer versions read OpenAI's form too.
      schemaForms: ["object_value", "openai_schema"],
      finishReasons: { eos_token: "stop", stop_sequence: "stop" },
      hasEmptyIds: true,
      reported: computeTimeHeader,
    }),
  },
} as const satisfies Provider;
