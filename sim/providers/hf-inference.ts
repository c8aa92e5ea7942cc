import type { HeaderFacts } from "../chat/dialect.js";
import type { ErrorAnswer, ErrorFacts } from "../failure.js";
import { counts, openAiChat, openAiChunk, openAiPlain } from "../families/openai-chat.js";
import {
  completionChunk,
  completionPlain,
  openAiCompletions,
} from "../families/openai-completions.js";
import { worded } from "../families/openai-errors.js";
import { pipelineEndpoints } from "../hf-inference/endpoints.js";
import { generate } from "../hf-inference/generate.js";
import { currentName, taskModels, taskOf } from "../hf-inference/models.js";
import { FIELD_REQUIRED, PIPELINE } from "../hf-inference/pipeline.js";
import { model, price } from "../model-entry.js";
import type { Endpoint, Provider } from "../provider.js";
import { secondsFor } from "../seconds.js";

const VERSION = "3.2.1-native";
const CHALLENGE = 'Bearer realm="Authentication required", charset="UTF-8"';

const milliseconds = (seconds: number): string => String(Math.round(seconds * 1000));

/** Compute time is what this provider bills by. */
function headers({ usage, stream, ask }: HeaderFacts) {
  const times = secondsFor(usage);
  const common = {
    "x-compute-type": "2-a10-g",
    "x-compute-characters": String(JSON.stringify(ask.messages).length),
    "x-sha": "0e9e39f249a16976918f6564b8830bc894c89659",
    "x-robots-tag": "none",
    "x-powered-by": "huggingface-moon",
  };
  if (stream) return { ...common, "cache-control": "no-cache" };
  return {
    ...common,
    "x-compute-time": times.total.toFixed(9),
    "x-prompt-tokens": String(usage.prompt),
    "x-generated-tokens": String(usage.completion),
    "x-total-time": milliseconds(times.total),
    "x-validation-time": "0",
    "x-queue-time": "0",
    "x-inference-time": milliseconds(times.prompt + times.completion),
    "x-time-per-token": milliseconds(times.completion / Math.max(1, usage.completion)),
  };
}

/** A model that is not in memory yet; general knowledge, on no recording. */
const loading = (model: string): ErrorAnswer => ({
  status: 503,
  body: { error: `Model ${model} is currently loading`, estimated_time: 20 },
});

const pipelineError = (message: string): ErrorAnswer => ({
  status: 400,
  body: { error: message, warnings: [`There was an inference error: ${message}`] },
});

/**
 * Of Text Generation Inference: what does not parse is the parser's complaint, in plain text; the rest is
 * `{error, error_type}`. Pipelines have two forms of their own. A dialled 503 is a model that loads.
 */
function error(facts: ErrorFacts): ErrorAnswer {
  const { status, message } = worded(facts, {});
  switch (facts.kind) {
    case "unauthorized": {
      const text = "Invalid username or password.";
      const extra = { "www-authenticate": CHALLENGE, "x-error-message": text };
      return { status: 401, body: { error: text }, headers: extra };
    }
    case "unknown_model":
      return { status: 404, body: { error: `Model ${facts.about} does not exist` } };
    case "server_error":
      return facts.status === 503 ? loading(facts.about) : { status, body: { error: message } };
    case "bad_request":
      if (facts.message === FIELD_REQUIRED) {
        return { status, body: { error: [`Error in \`${facts.about}\`: ${FIELD_REQUIRED}`] } };
      }
      if (facts.about === PIPELINE) return pipelineError(message);
      return /^missing field|invalid type/.test(facts.message)
        ? {
            status: 422,
            body: `Failed to deserialize the JSON body into the target type: ${message}`,
          }
        : {
            status: 422,
            body: { error: `Input validation error: ${message}`, error_type: "validation" },
          };
    case "rate_limited":
      return { status: 429, body: { error: "Model is overloaded", error_type: "overloaded" } };
    default:
      return { status, body: { error: message } };
  }
}

const chatModels = [
  model("HuggingFaceTB/SmolLM3-3B", "HuggingFaceTB/SmolLM3-3B", price("0.05", "0.10"), {
    context: 65_536,
  }),
  model(
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.1-8B-Instruct",
    price("0.10", "0.10"),
  ),
];

/** Chat models continue text as well. */
const CHAT: ReadonlySet<string> = new Set(chatModels.map(({ id }) => id));

const generation = (path: string): Endpoint => ({
  kind: "chat",
  method: "POST",
  path,
  task: "text-generation",
  chat: { ...generate, headers },
});

/**
 * Hugging Face's own serverless inference: Text Generation Inference 3, as on recordings of 2025-01 to
 * 2025-04. Ids are empty, chunks say `usage: null`, the model is in the path.
 */
export const hfInference: Provider = {
  id: "hf-inference",
  requestIdHeader: "x-inference-id",
  requestId: (ids) => ids.nanoid(),
  price: price("0.10", "0.10"),
  models: chatModels,
  tasks: taskModels,
  endpoints: [
    {
      kind: "chat",
      method: "POST",
      path: "/models/{model}/v1/chat/completions",
      chat: openAiChat({
        formats: ["json_object", "json_schema", "json_object_value"],
        bodyId: () => "",
        usage: counts,
        toolCallId: (ids) => ids.alphanumeric(9),
        stream: { role: "every", finish: "last-token", usage: "asked", usageNull: "always" },
        chunk: (facts) => ({ ...openAiChunk(facts), system_fingerprint: VERSION }),
        plain: (facts) => ({ ...openAiPlain(facts), system_fingerprint: VERSION }),
        headers,
      }),
    },
    {
      kind: "chat",
      method: "POST",
      path: "/models/{model}/v1/completions",
      task: "text-generation",
      chat: openAiCompletions({
        bodyId: () => "",
        usage: counts,
        stream: { finish: "last-token", usage: "asked", usageNull: "never" },
        chunk: (facts) => ({ ...completionChunk(facts), system_fingerprint: VERSION }),
        plain: (facts) => ({ ...completionPlain(facts), system_fingerprint: VERSION }),
        headers,
      }),
    },
    generation("/models/{model}/pipeline/text-generation"),
    generation("/pipeline/text-generation/{model}"),
    {
      ...generation("/models/{model}"),
      serves: ({ model: id = "" }) => taskOf(id) === "text-generation" || CHAT.has(currentName(id)),
    },
    ...pipelineEndpoints,
    {
      kind: "models",
      method: "GET",
      path: "/models/{model}/info",
      // Text Generation Inference tells about the one model it serves.
      list: (models, params) => ({
        model_id: params.model,
        model_sha: "0e9e39f249a16976918f6564b8830bc894c89659",
        model_pipeline_tag: "text-generation",
        max_concurrent_requests: 128,
        max_input_tokens: (models.find((one) => one.id === params.model)?.context ?? 8192) - 1,
        max_total_tokens: models.find((one) => one.id === params.model)?.context ?? 8192,
        version: "3.2.1",
        router: "text-generation-router",
      }),
    },
  ],
  error,
};
