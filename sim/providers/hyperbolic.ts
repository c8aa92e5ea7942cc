import type { ErrorAnswer, ErrorFacts } from "../failure.js";
import {
  counts,
  openAiChat,
  openAiChunk,
  stopReasonAtEnd,
  withChoices,
} from "../families/openai-chat.js";
import { openAiCompletions } from "../families/openai-completions.js";
import { flatErrors, worded } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";
import { generator } from "../text/models.js";
import { hyperbolicMedia, hyperbolicTasks } from "./hyperbolic-media.js";

const flat = flatErrors({
  unauthorized: { message: () => "Could not validate credentials", type: "", code: 40_101 },
  unknown_model: {
    message: ({ about }) => `Only the listed models allowed now, your model ${about}`,
    type: "",
    status: 400,
    code: 40_301,
  },
  rate_limited: { type: "", code: 42_901 },
  not_found: { type: "", code: 40_401 },
  server_error: { type: "", code: 50_001 },
});

/** A missing field is the parser's complaint; the rest is vLLM's older flat error with codes of its own. */
function error(facts: ErrorFacts): ErrorAnswer {
  const { message } = worded(facts, {});
  if (facts.kind === "bad_request" && message.startsWith("missing field")) {
    const loc = ["body", facts.about];
    return { status: 422, body: { detail: [{ type: "missing", loc, msg: "Field required" }] } };
  }
  const { status, body } = flat(facts);
  return { status, body: { object: "error", ...(body as object) } };
}

/** Hyperbolic. Answers and errors as on recordings of 2025-02: every chunk says what was used so far. */
export const hyperbolic: Provider = {
  id: "hyperbolic",
  requestIdHeader: "x-request-id",
  requestId: (ids) => ids.uuid(),
  price: price("0.20", "0.20"),
  models: [
    model(
      "meta-llama/Llama-3.1-8B-Instruct",
      "meta-llama/Meta-Llama-3.1-8B-Instruct",
      price("0.10", "0.10"),
    ),
    model(
      "meta-llama/Llama-3.3-70B-Instruct",
      "meta-llama/Llama-3.3-70B-Instruct",
      price("0.40", "0.40"),
    ),
  ],
  tasks: [
    ...hyperbolicTasks,
    generator("meta-llama/Llama-3.1-405B", "meta-llama/Meta-Llama-3.1-405B", "4.00", "4.00"),
  ],
  endpoints: [
    {
      kind: "chat",
      method: "POST",
      path: "/v1/chat/completions",
      chat: openAiChat({
        usage: counts,
        stream: { usage: "running" },
        chunk: (facts) => withChoices(openAiChunk(facts), stopReasonAtEnd),
      }),
    },
    {
      kind: "chat",
      method: "POST",
      path: "/v1/completions",
      task: "text-generation",
      chat: openAiCompletions({ usage: counts, stream: { usage: "running" } }),
    },
    { kind: "models", method: "GET", path: "/v1/models", list: openAiModels() },
    ...hyperbolicMedia,
  ],
  error,
};
