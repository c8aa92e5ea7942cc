import type { ErrorKind } from "../failure.js";
import { openAiChat } from "../families/openai-chat.js";
import { worded } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";

const TITLES: { readonly [kind in ErrorKind]: string } = {
  unauthorized: "Unauthorized",
  rate_limited: "Too Many Requests",
  unknown_model: "Not Found",
  unknown_field: "Bad Request",
  bad_request: "Bad Request",
  not_found: "Not Found",
  server_error: "Internal Server Error",
};

const WORDINGS = {
  unauthorized: { message: () => "Authentication failed" },
  unknown_model: {
    message: ({ about }: { about: string }) => `Function '${about}': Not found for account`,
  },
};

/** NVIDIA's hosted NIMs. No recordings: OpenAI's form; errors `{status, title, detail}` as users reported them in 2026. */
export const nvidia: Provider = {
  id: "nvidia",
  requestIdHeader: "nvcf-reqid",
  requestId: (ids) => ids.uuid(),
  price: price("0.10", "0.30"),
  models: [
    model("meta-llama/Llama-3.1-8B-Instruct", "meta/llama-3.1-8b-instruct", price("0.03", "0.05")),
    model("openai/gpt-oss-120b", "openai/gpt-oss-120b", price("0.10", "0.50")),
  ],
  endpoints: [
    { kind: "chat", method: "POST", path: "/v1/chat/completions", chat: openAiChat() },
    { kind: "models", method: "GET", path: "/v1/models", list: openAiModels() },
  ],
  error: (facts) => {
    const { status, message } = worded(facts, WORDINGS);
    return { status, body: { status, title: TITLES[facts.kind], detail: message } };
  },
};
