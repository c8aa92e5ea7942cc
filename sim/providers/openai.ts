import type { Usage } from "../chat/answer.js";
import {
  counts,
  openAiChat,
  openAiChunk,
  openAiPlain,
  withChoices,
} from "../families/openai-chat.js";
import { openAiEmbeddings } from "../families/openai-embeddings.js";
import { openAiErrors } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import { isObject, type JsonObject } from "../json.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";
import { millisecondsFor } from "../seconds.js";
import { embedder } from "../text/models.js";
import { openaiMedia, openaiTasks } from "./openai-media.js";

const details = (usage: Usage): JsonObject => ({
  ...counts(usage),
  prompt_tokens_details: { cached_tokens: usage.cached, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: usage.reasoning,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
});

const withRefusal = (message: unknown): JsonObject =>
  isObject(message) ? { ...message, refusal: null } : {};

/** OpenAI. Answers as on recordings of 2024-05 to 2025-02; errors as documented. */
export const openai: Provider = {
  id: "openai",
  requestIdHeader: "x-request-id",
  requestId: (ids) => `req_${ids.hex(32)}`,
  price: price("0.15", "0.60", "0.075"),
  models: [
    model("openai/gpt-4.1-mini", "gpt-4.1-mini", price("0.40", "1.60", "0.10"), {
      context: 1_047_576,
    }),
    model("openai/gpt-4o-mini", "gpt-4o-mini", price("0.15", "0.60", "0.075"), {
      context: 128_000,
    }),
  ],
  tasks: [
    ...openaiTasks,
    embedder("openai/text-embedding-3-small", "text-embedding-3-small", "0.02"),
    embedder("openai/text-embedding-3-large", "text-embedding-3-large", "0.13"),
  ],
  endpoints: [
    {
      kind: "chat",
      method: "POST",
      path: "/v1/chat/completions",
      chat: openAiChat({
        bodyId: (ids) => `chatcmpl-${ids.alphanumeric(29)}`,
        // OpenAI never shows thoughts, it only counts them.
        reasoning: "hidden",
        stream: { usageNull: "asked" },
        usage: details,
        chunk: (facts) => ({
          ...withChoices(openAiChunk(facts), roleSaysNotRefused),
          service_tier: "default",
          system_fingerprint: null,
        }),
        plain: (facts) => ({
          ...openAiPlain({
            ...facts,
            choices: facts.choices.map((one) => ({ ...one, message: withRefusal(one.message) })),
          }),
          service_tier: "default",
          system_fingerprint: null,
        }),
        headers: ({ usage }) => ({
          "openai-processing-ms": millisecondsFor(usage),
          "openai-version": "2020-10-01",
        }),
      }),
    },
    openAiEmbeddings("/v1/embeddings", { dimensions: /text-embedding-3/ }),
    { kind: "models", method: "GET", path: "/v1/models", list: openAiModels() },
    ...openaiMedia,
  ],
  error: openAiErrors({
    unauthorized: {
      message: ({ keySent }) =>
        keySent
          ? "Incorrect API key provided: ***. You can find your API key at https://platform.openai.com/account/api-keys."
          : "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
    },
  }),
};

/** The chunk with the role also says that nothing was refused. */
const roleSaysNotRefused = (choice: JsonObject): JsonObject =>
  isObject(choice.delta) && choice.delta.role !== undefined
    ? { ...choice, delta: withRefusal(choice.delta) }
    : choice;
