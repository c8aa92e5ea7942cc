import type { Head, Usage } from "../chat/answer.js";
import type { ChatAsk, Refusal } from "../chat/ask.js";
import type { ChunkFacts, PlainFacts } from "../chat/dialect.js";
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
import { secondsFor } from "../seconds.js";
import { embedder } from "../text/models.js";

/** The timings are among the counts. */
function usage(used: Usage, head: Head): JsonObject {
  const times = secondsFor(used);
  const speed = used.completion / Math.max(0.001, times.completion);
  return {
    ...counts(used),
    completion_tokens_after_first_per_sec: speed,
    completion_tokens_after_first_per_sec_first_ten: 0,
    completion_tokens_per_sec: speed,
    end_time: head.created + times.total,
    is_last_response: true,
    start_time: head.created,
    time_to_first_token: times.queue + times.prompt,
    total_latency: times.total,
    total_tokens_per_sec: (used.prompt + used.completion) / times.total,
  };
}

/** Every delta but the last says the role; the last says an empty text. */
const roleInText = (choice: JsonObject): JsonObject => {
  const delta = isObject(choice.delta) ? choice.delta : {};
  const more = choice.finish_reason === null ? { role: "assistant" } : { content: "" };
  return { ...choice, delta: { ...more, ...delta } };
};

const chunk = (facts: ChunkFacts): JsonObject => ({
  ...withChoices(openAiChunk(facts), roleInText),
  system_fingerprint: "fastcoe",
});

/** By 2025-04 the plain answer's usage said why it ended, too. */
const plain = (facts: PlainFacts): JsonObject => ({
  ...openAiPlain({ ...facts, usage: { ...facts.usage, stop_reason: facts.choices[0]?.finish } }),
  system_fingerprint: "fastcoe",
});

/** Hugging Face's clients used to send `strict: false`, because anything else was refused. */
function refuseStrict({ body }: ChatAsk): Refusal | undefined {
  const format = isObject(body.response_format) ? body.response_format.json_schema : undefined;
  if (!isObject(format) || format.strict !== true) return undefined;
  return { field: "response_format", why: "`json_schema.strict` must be false" };
}

/**
 * SambaNova. Answers as on recordings of 2025-01 to 2025-04; errors in OpenAI's form and the refusal of strict
 * schemas from general knowledge.
 */
export const sambanova: Provider = {
  id: "sambanova",
  requestIdHeader: "x-request-id",
  requestId: (ids) => ids.uuid(),
  price: price("0.20", "0.60"),
  models: [
    model("meta-llama/Llama-3.1-8B-Instruct", "Meta-Llama-3.1-8B-Instruct", price("0.10", "0.20"), {
      context: 16_384,
    }),
    model("openai/gpt-oss-120b", "gpt-oss-120b", price("0.22", "0.59")),
  ],
  tasks: [embedder("intfloat/e5-mistral-7b-instruct", "E5-Mistral-7B-Instruct", "0.13")],
  endpoints: [
    {
      kind: "chat",
      method: "POST",
      path: "/v1/chat/completions",
      chat: openAiChat({
        bodyId: (ids) => ids.uuid(),
        refuse: refuseStrict,
        usage,
        chunk,
        plain,
      }),
    },
    openAiEmbeddings("/v1/embeddings", { encodings: ["float"] }),
    { kind: "models", method: "GET", path: "/v1/models", list: openAiModels() },
  ],
  error: openAiErrors({ unauthorized: { message: () => "Invalid API Key" } }),
};
