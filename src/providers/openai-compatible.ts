import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { openAiCompletions } from "./families/openai-completions.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { rerank } from "./families/rerank.js";
import { bearer, type Provider } from "./provider.js";
import { modelRoute } from "./request.js";

/**
 * Any server that speaks OpenAI's API (vLLM, TGI, TEI, llama.cpp, Ollama…). `origin` ends before `/chat/completions`.
 */
export const openAiCompatible = (id: string, origin: string): Provider => ({
  id,
  name: id,
  origin,
  auth: bearer,
  keyVariable: undefined,
  needsKey: false,
  listing: modelList("/models"),
  tasks: {
    conversational: openAiChat({
      path: "/chat/completions",
      finishReasons: { eos_token: "stop", stop_sequence: "stop", eos: "stop" },
      hasEmptyIds: true,
    }),
    "text-generation": openAiCompletions("/completions"),
    "feature-extraction": openAiEmbeddings("/embeddings"),
    // vLLM and llama.cpp have /v1/rerank in Cohere's form, TEI has /rerank alone and in its own.
    "text-ranking": rerank("/rerank", VERSIONED.test(origin) ? "documents" : "texts"),
  },
  routes: [
    modelRoute("/completions", "text-generation"),
    modelRoute("/embeddings", "feature-extraction"),
    modelRoute("/rerank", "text-ranking"),
  ],
});

const VERSIONED = /\/v\d+\/?$/;
