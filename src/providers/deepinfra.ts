import { metadataPrice, modelList } from "./families/model-list.js";
import { openAiSpeech, openAiTranscription } from "./families/openai-audio.js";
import { openAiChat } from "./families/openai-chat.js";
import { openAiCompletions } from "./families/openai-completions.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { openAiImages } from "./families/openai-images.js";
import { rerankByScores } from "./families/rerank.js";
import { withSize } from "./families/task-input.js";
import { bearer, type Provider } from "./provider.js";
import { flat, modelRoute } from "./request.js";

export const deepinfra = {
  id: "deepinfra",
  name: "DeepInfra",
  origin: "https://api.deepinfra.com",
  auth: bearer,
  keyVariable: "DEEPINFRA_API_KEY",
  needsKey: true,
  listing: modelList("/v1/openai/models", {
    hasHubIds: true,
    task: "conversational",
    priceOf: metadataPrice,
  }),
  tasks: {
    conversational: openAiChat({ path: "/v1/openai/chat/completions" }),
    "text-generation": openAiCompletions("/v1/openai/completions"),
    "feature-extraction": openAiEmbeddings("/v1/openai/embeddings"),
    "text-ranking": rerankByScores((model) => `/v1/inference/${model}`),
    "text-to-image": openAiImages({
      path: "/v1/openai/images/generations",
      options: (input) => withSize(flat(input)),
      format: "b64_json",
    }),
    "text-to-speech": openAiSpeech({ path: "/v1/openai/audio/speech" }),
    "automatic-speech-recognition": openAiTranscription({
      path: "/v1/openai/audio/transcriptions",
    }),
  },
  routes: [
    modelRoute("/v1/openai/completions", "text-generation"),
    modelRoute("/v1/openai/embeddings", "feature-extraction"),
    { method: "POST", path: "/v1/inference/{model}", tasks: ["text-ranking"] },
    modelRoute("/v1/openai/images/generations", "text-to-image"),
    modelRoute("/v1/openai/audio/speech", "text-to-speech"),
    modelRoute("/v1/openai/audio/transcriptions", "automatic-speech-recognition"),
  ],
} as const satisfies Provider;
