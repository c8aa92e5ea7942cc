import { openAiChat } from "../families/openai-chat.js";
import { openAiEmbeddings } from "../families/openai-embeddings.js";
import { worded } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";
import { embedder, reranker } from "../text/models.js";
import { cohereChat } from "./cohere-chat.js";
import { cohereEmbed } from "./cohere-embed.js";
import { cohereRerank } from "./cohere-rerank.js";

const WORDINGS = {
  unauthorized: {
    message: ({ keySent }: { keySent: boolean }) =>
      keySent ? "invalid api token" : "no api key supplied",
  },
  unknown_model: {
    message: ({ about }: { about: string }) =>
      `model '${about}' not found, make sure the correct model ID was used and that you have access to the model.`,
  },
  rate_limited: {
    message: () => "You are past the per minute request limit, please wait and try again later.",
  },
};

/**
 * Cohere, through its OpenAI-compatible route. Answers as on recordings of 2025-02 to 2025-03; errors
 * carry a message alone, as its SDK expects. Structured output is taken in both of the forms that
 * Hugging Face's clients send.
 */
export const cohere: Provider = {
  id: "cohere",
  requestIdHeader: "x-request-id",
  requestId: (ids) => ids.uuid(),
  price: price("0.50", "1.50"),
  models: [
    model("CohereLabs/c4ai-command-r7b-12-2024", "command-r7b-12-2024", price("0.0375", "0.15"), {
      context: 132_000,
    }),
    model("CohereLabs/c4ai-command-a-03-2025", "command-a-03-2025", price("2.50", "10.00"), {
      context: 256_000,
    }),
  ],
  tasks: [
    embedder("CohereLabs/embed-v4.0", "embed-v4.0", "0.12"),
    embedder("CohereLabs/embed-english-v3.0", "embed-english-v3.0", "0.10"),
    reranker("CohereLabs/rerank-v3.5", "rerank-v3.5", { request: "0.002" }),
  ],
  endpoints: [
    {
      kind: "chat",
      method: "POST",
      path: "/compatibility/v1/chat/completions",
      chat: openAiChat({
        formats: ["json_object", "json_schema", "json_object_schema"],
        bodyId: (ids) => ids.uuid(),
        stream: { usage: "always" },
        chunk: ({ head, choice, usage }) => ({
          id: head.id,
          choices: choice
            ? [
                {
                  index: choice.index,
                  finish_reason: choice.finish,
                  delta: choice.delta,
                  logprobs: choice.logprobs,
                },
              ]
            : [],
          created: head.created,
          model: head.model,
          object: "chat.completion.chunk",
          usage,
        }),
        plain: ({ head, choices, usage }) => ({
          id: head.id,
          choices: choices.map((choice) => ({
            index: choice.index,
            finish_reason: choice.finish,
            message: choice.message,
            logprobs: choice.logprobs,
          })),
          created: head.created,
          model: head.model,
          object: "chat.completion",
          usage,
        }),
        headers: ({ usage, stream }) =>
          stream ? {} : plainHeaders(usage.prompt + usage.completion),
      }),
    },
    { kind: "chat", method: "POST", path: "/v2/chat", chat: cohereChat },
    openAiEmbeddings("/compatibility/v1/embeddings"),
    cohereEmbed,
    cohereRerank("1"),
    cohereRerank("2"),
    {
      kind: "models",
      method: "GET",
      path: "/v1/models",
      // Cohere's own list, as its SDK reads it.
      list: (models) => ({
        models: models.map((one) => ({
          name: one.id,
          endpoints: ["chat", "generate"],
          finetuned: false,
          context_length: one.context,
          tokenizer_url: "",
          default_endpoints: [],
          pricing: one.pricing,
        })),
      }),
    },
    { kind: "models", method: "GET", path: "/compatibility/v1/models", list: openAiModels() },
  ],
  error: (facts) => {
    const { status, message } = worded(facts, WORDINGS);
    return { status, body: { message } };
  },
};

const plainHeaders = (tokens: number) => ({
  num_tokens: String(tokens),
  num_chars: String(tokens * 5),
});
