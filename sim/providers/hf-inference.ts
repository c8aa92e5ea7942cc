import type { HeaderFacts } from "../chat/dialect.js";
import { counts, openAiChat, openAiChunk, openAiPlain } from "../families/openai-chat.js";
import { worded } from "../families/openai-errors.js";
import { model, price } from "../model-entry.js";
import type { ErrorAnswer, ErrorFacts, Provider } from "../provider.js";
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

/** Missing fields are the parser's complaint, in plain text; the rest is `{error, error_type}`. */
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
    case "bad_request":
      return facts.message.startsWith("missing field")
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

/**
 * Hugging Face's own serverless inference: Text Generation Inference 3, as on recordings of 2025-01 to
 * 2025-04. Ids are empty, chunks say `usage: null`, the model is in the path.
 */
export const hfInference: Provider = {
  id: "hf-inference",
  requestIdHeader: "x-inference-id",
  requestId: (ids) => ids.nanoid(),
  price: price("0.10", "0.10"),
  models: [
    model("HuggingFaceTB/SmolLM3-3B", "HuggingFaceTB/SmolLM3-3B", price("0.05", "0.10"), {
      context: 65_536,
    }),
    model(
      "meta-llama/Llama-3.1-8B-Instruct",
      "meta-llama/Llama-3.1-8B-Instruct",
      price("0.10", "0.10"),
    ),
  ],
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
