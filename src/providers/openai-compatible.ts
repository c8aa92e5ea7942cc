import { openAiChat } from "./families/openai-chat.js";
import { bearer, type Provider } from "./provider.js";

/** Any server that speaks OpenAI's API (vLLM, TGI, llama.cpp, Ollama…). `origin` ends before `/chat/completions`. */
export const openAiCompatible = (id: string, origin: string): Provider => ({
  id,
  name: id,
  origin,
  auth: bearer,
  keyVariable: undefined,
  needsKey: false,
  tasks: {
    conversational: openAiChat({
      path: "/chat/completions",
      finishReasons: { eos_token: "stop", stop_sequence: "stop", eos: "stop" },
      hasEmptyIds: true,
    }),
  },
});
