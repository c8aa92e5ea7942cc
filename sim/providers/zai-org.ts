import {
  counts,
  logprobsWhenAsked,
  openAiChat,
  openAiChunk,
  openAiPlain,
  withChoices,
} from "../families/openai-chat.js";
import { worded } from "../families/openai-errors.js";
import { openAiModels } from "../families/openai-models.js";
import type { JsonObject } from "../json.js";
import { model, price } from "../model-entry.js";
import type { Provider } from "../provider.js";
import { zaiOrgMedia, zaiOrgTasks } from "./zai-org-media.js";

const WORDINGS = {
  unauthorized: { code: "1000" },
  rate_limited: {
    message: () => "High concurrency usage of this API, please reduce concurrency.",
    code: "1302",
  },
  unknown_model: {
    status: 400,
    message: () => "Unknown Model, please check the model code.",
    code: "1211",
  },
  unknown_field: { code: "1210" },
  bad_request: {
    message: ({ message }: { message: string }) =>
      `Invalid API parameter, please check the documentation. ${message}`.trim(),
    code: "1210",
  },
  not_found: { code: "404" },
  server_error: { message: () => "Operation failed", code: "500" },
};

const withRequestId = (body: JsonObject, requestId: string): JsonObject => ({
  ...body,
  request_id: requestId,
});

/** Z.ai. No recordings: OpenAI's form with `request_id`; error codes from its reference and users' reports. */
export const zaiOrg: Provider = {
  id: "zai-org",
  requestIdHeader: "x-log-id",
  requestId: (ids) => `2026${ids.hex(28)}`,
  price: price("0.60", "2.20", "0.11"),
  models: [
    model("zai-org/GLM-4.6", "glm-4.6", price("0.60", "2.20", "0.11"), { context: 200_000 }),
    model("zai-org/GLM-4.5-Air", "glm-4.5-air", price("0.20", "1.10", "0.03")),
  ],
  tasks: zaiOrgTasks,
  endpoints: [
    {
      kind: "chat",
      method: "POST",
      path: "/api/paas/v4/chat/completions",
      chat: openAiChat({
        bodyId: (_ids, requestId) => requestId,
        stream: { role: "every", usage: "always", wholeToolCalls: true },
        usage: (usage) => ({
          ...counts(usage),
          prompt_tokens_details: { cached_tokens: usage.cached },
          ...(usage.reasoning > 0
            ? { completion_tokens_details: { reasoning_tokens: usage.reasoning } }
            : {}),
        }),
        chunk: (facts) => withChoices(openAiChunk(facts), logprobsWhenAsked),
        plain: (facts) =>
          withRequestId(withChoices(openAiPlain(facts), logprobsWhenAsked), facts.head.requestId),
      }),
    },
    { kind: "models", method: "GET", path: "/api/paas/v4/models", list: openAiModels() },
    ...zaiOrgMedia,
  ],
  error: (facts) => {
    const { status, message, code } = worded(facts, WORDINGS);
    const text = facts.kind === "unauthorized" ? keyMessage(facts.keySent) : message;
    return { status, body: { error: { code, message: text } } };
  },
};

const keyMessage = (keySent: boolean): string =>
  keySent
    ? "token expired or incorrect"
    : "Authentication parameter not received in Header, unable to authenticate";
