import { askFor, PACES } from "./families/jobs.js";
import { minimaxRoutes, minimaxVideo } from "./families/minimax.js";
import { modelList, tenThousandths } from "./families/model-list.js";
import { openAiChat } from "./families/openai-chat.js";
import { openAiCompletions } from "./families/openai-completions.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { rerank } from "./families/rerank.js";
import { stepsOptions, textOf } from "./families/task-input.js";
import { doneWithMedia, failed, mediaAt } from "./families/task-output.js";
import { bearer, type Provider, type Step, type TaskAdapter } from "./provider.js";
import { at, textAt } from "./reply.js";
import { modelRoute, postJson } from "./request.js";

const RESULT = "/v3/async/task-result";

/** The route of Python's client, `/v3/hf/{model}`, answers the film at once: `next` reads that too. */
const textToVideo: TaskAdapter = {
  start: (input, { providerModel }) =>
    postJson(`/v3/async/${providerModel}`, { ...stepsOptions(input), prompt: textOf(input) }),
  next: ({ request, json }) => {
    if (request.method === "GET") return afterLook(request.path, json);
    if (at(json, "video") !== undefined)
      return doneWithMedia([mediaAt(json, "video", "video_url")]);
    const job = textAt(json, "task_id");
    return ask(`${RESULT}?task_id=${encodeURIComponent(job)}`, job);
  },
};

export const novita = {
  id: "novita",
  name: "Novita",
  origin: "https://api.novita.ai",
  auth: bearer,
  keyVariable: "NOVITA_API_KEY",
  needsKey: true,
  requestIdHeader: "inference-id",
  listing: modelList("/v3/openai/models", { priceOf: tenThousandths }),
  tasks: {
    conversational: openAiChat({ path: "/v3/openai/chat/completions" }),
    "text-generation": openAiCompletions("/v3/openai/completions"),
    // Source: Novita API reference, "Create embeddings" and "Create rerank", read 2026-11-28.
    "feature-extraction": openAiEmbeddings("/openai/v1/embeddings"),
    "text-ranking": rerank("/openai/v1/rerank"),
    "text-to-video": textToVideo,
    "image-text-to-video": minimaxVideo,
  },
  routes: [
    modelRoute("/openai/v1/completions", "text-generation"),
    modelRoute("/v3/openai/completions", "text-generation"),
    modelRoute("/openai/v1/embeddings", "feature-extraction"),
    modelRoute("/openai/v1/rerank", "text-ranking"),
    { method: "POST", path: "/v3/async/{model}", tasks: ["text-to-video"] },
    { method: "POST", path: "/v3/hf/{model}", tasks: ["text-to-video"] },
    { method: "GET", path: RESULT, tasks: [], job: "task_id" },
    ...minimaxRoutes,
  ],
} as const satisfies Provider;

const ask = (path: string, job: string): Step => askFor({ path, job }, PACES.novita.everyMs);

/** `TASK_STATUS_QUEUED` and `TASK_STATUS_PROCESSING` otherwise; the client waits whatever else it is. */
function afterLook(path: string, json: unknown): Step {
  const status = textAt(json, "task", "status");
  if (status === "TASK_STATUS_SUCCEED")
    return doneWithMedia([mediaAt(json, "videos", 0, "video_url")]);
  if (status === "TASK_STATUS_FAILED") return failed(at(json, "task", "reason") || status);
  return ask(path, textAt(json, "task", "task_id"));
}
