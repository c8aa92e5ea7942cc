import { parseUsage } from "../tasks/openai-usage.js";
import { modelList } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { rerank } from "./families/rerank.js";
import { bearer, type Provider, type ProviderReply, type Step } from "./provider.js";
import { at } from "./reply.js";
import { doneWith, modelRoute } from "./request.js";

const embeddings = openAiEmbeddings("/compatibility/v1/embeddings");

export const cohere = {
  id: "cohere",
  name: "Cohere",
  origin: "https://api.cohere.com",
  auth: bearer,
  keyVariable: "COHERE_API_KEY",
  needsKey: true,
  listing: modelList("/v1/models?page_size=1000"),
  tasks: {
    conversational: openAiChat({
      path: "/compatibility/v1/chat/completions",
      schemaForms: ["object_schema", "openai_schema"],
    }),
    "feature-extraction": {
      ...embeddings,
      next: (reply, target) => ownVectors(reply) ?? embeddings.next(reply, target),
    },
    "text-ranking": rerank("/v2/rerank"),
  },
  ownChats: [{ path: "/v2/chat", form: "cohere" }],
  routes: [
    modelRoute("/compatibility/v1/embeddings", "feature-extraction"),
    modelRoute("/v2/rerank", "text-ranking"),
    // The routes of Cohere's own SDK, in its versions 1 and 2.
    modelRoute("/v1/rerank", "text-ranking"),
    modelRoute("/v2/embed", "feature-extraction"),
    modelRoute("/v1/embed", "feature-extraction"),
  ],
} as const satisfies Provider;

/** What `/v1/embed` and `/v2/embed` answer: one list of vectors, or one for each type of number that was asked for. */
function ownVectors({ json }: ProviderReply): Step | undefined {
  const found = at(json, "embeddings");
  if (found === undefined) return undefined;
  const input = at(json, "meta", "billed_units", "input_tokens");
  const usage = parseUsage({ prompt_tokens: input, completion_tokens: 0 });
  return doneWith(Array.isArray(found) ? found : (at(found, "float") ?? found), usage);
}
