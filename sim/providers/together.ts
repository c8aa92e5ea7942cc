import type { ChunkFacts, PlainFacts } from "../chat/dialect.js";
import type { ErrorFacts } from "../failure.js";
import { countsWhenKnown, openAiChat } from "../families/openai-chat.js";
import { openAiEmbeddings } from "../families/openai-embeddings.js";
import { openAiErrors } from "../families/openai-errors.js";
import { listed } from "../families/openai-models.js";
import { isObject, type JsonObject } from "../json.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";
import { embedder, generator, reranker } from "../text/models.js";
import {
  END_TOKEN,
  seedOf,
  togetherCompletions,
  togetherLogprobs,
} from "./together-completions.js";
import { togetherMedia, togetherTasks } from "./together-media.js";
import { togetherRerank } from "./together-rerank.js";

/** The text is there twice, with the token's id; usage is null until the last chunk. */
function chunk({ head, choice, usage }: ChunkFacts): JsonObject {
  const choices: JsonObject[] = choice
    ? [
        {
          index: choice.index,
          text: choice.piece?.text ?? "",
          logprobs: choice.logprobs ?? null,
          finish_reason: choice.finish,
          seed: choice.finish === null ? null : seedOf(head.id),
          delta: {
            token_id: choice.piece?.tokenId ?? END_TOKEN,
            tool_calls: null,
            ...choice.delta,
          },
        },
      ]
    : [];
  const { id, created, model: name } = head;
  return { id, object: "chat.completion.chunk", created, choices, model: name, usage };
}

const plain = ({ head, choices, usage }: PlainFacts): JsonObject => ({
  id: head.id,
  object: "chat.completion",
  created: head.created,
  model: head.model,
  prompt: [],
  choices: choices.map((choice) => ({
    finish_reason: choice.finish,
    seed: seedOf(head.id),
    logprobs: choice.logprobs ?? null,
    index: choice.index,
    message: { tool_calls: [], ...choice.message },
  })),
  usage,
});

const shape = openAiErrors({
  unauthorized: {
    message: () =>
      "Invalid API key provided. You can find your API key at https://api.together.xyz/settings/api-keys.",
  },
  unknown_model: {
    message: ({ about }) =>
      `Unable to access non-serverless model ${about}. Please visit https://api.together.ai/models/${about} to create and start a new dedicated endpoint for the model.`,
    status: 400,
    code: "model_not_available",
  },
  rate_limited: { type: "rate_limit", code: "rate_limit" },
});

/** The error beside the request's id; of a bad request it says which field. */
function error(facts: ErrorFacts) {
  const { status, body } = shape(facts);
  const error = isObject(body) && isObject(body.error) ? body.error : {};
  const param = facts.kind === "bad_request" ? facts.about : error.param;
  return { status, body: { id: facts.requestId, error: { ...error, param } } };
}

/**
 * Together. Answers as on recordings of 2025-01 to 2025-02, the bare list of models as its SDK types it,
 * errors as on recordings (400) and as reported by users. Its SDK sends response_format in OpenAI's
 * form, Hugging Face's clients send the flat one: both are taken.
 */
export const together: Provider = {
  id: "together",
  requestIdHeader: "x-request-id",
  requestId: (ids) => `${ids.alphanumeric(7)}-${ids.hex(16)}`,
  price: price("0.20", "0.60"),
  models: [
    model(
      "meta-llama/Llama-3.1-8B-Instruct",
      "meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo",
      price("0.18", "0.18", "0.09"),
    ),
    model(
      "meta-llama/Llama-3.3-70B-Instruct",
      "meta-llama/Llama-3.3-70B-Instruct-Turbo",
      price("0.88", "0.88"),
    ),
    model("openai/gpt-oss-120b", "openai/gpt-oss-120b", price("0.15", "0.60")),
    model("deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1", price("3.00", "7.00"), {
      context: 163_840,
    }),
  ],
  tasks: [
    ...togetherTasks,
    embedder("BAAI/bge-base-en-v1.5", "BAAI/bge-base-en-v1.5", "0.008"),
    embedder("BAAI/bge-m3", "BAAI/bge-m3", "0.008"),
    reranker("Salesforce/Llama-Rank-V1", "Salesforce/Llama-Rank-V1", { input: "0.10" }),
    generator("mistralai/Mixtral-8x7B-v0.1", "mistralai/Mixtral-8x7B-v0.1", "0.60", "0.60"),
  ],
  endpoints: [
    {
      kind: "chat",
      method: "POST",
      path: "/v1/chat/completions",
      chat: openAiChat({
        formats: ["json_object", "json_schema", "json_schema_flat", "json_object_schema"],
        bodyId: (ids) => ids.hex(16),
        finish: (finish) => (finish === "stop" ? "eos" : finish),
        reasoning: "reasoning",
        usage: countsWhenKnown,
        stream: { role: "every", finish: "last-token", usage: "always", usageNull: "always" },
        logprobs: togetherLogprobs,
        chunk,
        plain,
      }),
    },
    {
      kind: "chat",
      method: "POST",
      path: "/v1/completions",
      task: "text-generation",
      chat: togetherCompletions,
    },
    openAiEmbeddings("/v1/embeddings", { encodings: ["float"] }),
    togetherRerank,
    {
      kind: "models",
      method: "GET",
      path: "/v1/models",
      list: (models) =>
        models.map((one) => ({
          ...listed(one),
          type: "chat",
          display_name: one.hub.split("/")[1] ?? one.hub,
          organization: one.hub.split("/")[0] ?? "",
          link: `https://huggingface.co/${one.hub}`,
          license: "other",
          pricing: { hourly: 0, base: 0, finetune: 0, ...one.pricing },
        })),
    },
    ...togetherMedia,
  ],
  error,
};
