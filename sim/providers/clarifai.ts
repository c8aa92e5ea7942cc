import { openAiChat } from "../families/openai-chat.js";
import { worded } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";
import { keyAfter } from "../provider-key.js";

/** Codes and words of Clarifai's own status object. */
const WORDINGS = {
  unauthorized: { message: () => "API key not found", code: 11_009 },
  unknown_model: { message: () => "Model does not exist", code: 21_200 },
  rate_limited: { message: () => "Too many requests", code: 11_005 },
  unknown_field: { code: 11_102 },
  bad_request: { code: 11_102 },
  not_found: { code: 11_101 },
  server_error: { message: () => "Internal system issue", code: 98_004 },
};

/**
 * Clarifai, through its OpenAI-compatible route (its documentation, page "OpenAI"). No recordings: OpenAI's
 * form; that errors keep the status object of its older API is an assumption.
 */
export const clarifai: Provider = {
  id: "clarifai",
  requestIdHeader: "x-clarifai-request-id",
  requestId: (ids) => ids.hex(32),
  // Its own word for the scheme; OpenAI's SDK, which it documents too, can only say Bearer.
  keyIn: (headers) => keyAfter("Key", headers) ?? keyAfter("Bearer", headers),
  price: price("0.10", "0.30"),
  models: [
    model(
      "openai/gpt-oss-120b",
      "https://clarifai.com/openai/chat-completion/models/gpt-oss-120b",
      price("0.09", "0.36"),
    ),
    model(
      "meta-llama/Llama-3.2-3B-Instruct",
      "https://clarifai.com/meta/Llama-3/models/Llama-3_2-3B-Instruct",
      price("0.05", "0.10"),
    ),
  ],
  endpoints: [
    {
      kind: "chat",
      method: "POST",
      path: "/v2/ext/openai/v1/chat/completions",
      chat: openAiChat(),
    },
    { kind: "models", method: "GET", path: "/v2/ext/openai/v1/models", list: openAiModels() },
  ],
  error: (facts) => {
    const { status, message, code } = worded(facts, WORDINGS);
    return {
      status,
      body: { status: { code, description: message, details: "", req_id: facts.requestId } },
    };
  },
};
