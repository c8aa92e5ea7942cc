import type { ErrorAnswer, ErrorFacts } from "../failure.js";
import type { Json } from "../json.js";
import type { Provider } from "../provider.js";
import { keyAfter } from "../provider-key.js";
import { json, type TaskAnswer } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import { falTasks, taskOfApp } from "./fal-ai-models.js";
import { billing, enqueue, isApp, noApp, queueAt } from "./fal-ai-queue.js";
import { BAD_DATA_URL, run } from "./fal-ai-run.js";

function runNow(ask: TaskAsk): TaskAnswer {
  const app = ask.model;
  if (ask.query.get("_subdomain") === "queue") return enqueue(ask, "");
  if (!isApp(app)) return noApp(app);
  const task = taskOfApp(app, ask.json);
  const made = run(ask, task);
  if ("failure" in made) return { refused: made.failure, task };
  const { output, units } = made;
  return json(output, { units, task, headers: billing(ask.call, app, task, units) });
}

/** As on recordings (404, 422 and 400); 401, 429 and 500 from general knowledge. */
function error({ kind, about, message, status: code, keySent }: ErrorFacts): ErrorAnswer {
  const detail = (text: Json, status = code): ErrorAnswer => ({ status, body: { detail: text } });
  switch (kind) {
    case "unauthorized":
      return detail(keySent ? "Invalid API key" : "Authentication is required to access this app");
    case "bad_request": {
      if (message === BAD_DATA_URL) return detail(message, 400);
      const type = message === "field required" ? "value_error.missing" : "value_error";
      return detail([{ loc: ["body", about], msg: message, type }], 422);
    }
    case "not_found":
      return about.includes(" ") ? { status: 404, body: "404: Not Found" } : detail("Not found");
    case "unknown_model":
      return detail(`Application '${about}' not found`);
    case "rate_limited":
      return detail("Too many requests");
    default:
      return detail("Internal Server Error");
  }
}

/**
 * fal. Results and errors as on recordings of 2025-01 to 2025-02, all of the synchronous host; the queue as its
 * documentation and its SDK of 2026 have it, its 202 for "not yet" from general knowledge.
 */
export const falAi: Provider = {
  id: "fal-ai",
  requestIdHeader: "x-fal-request-id",
  requestId: (ids) => ids.uuid(),
  keyIn: (headers) => keyAfter("Key", headers),
  models: [],
  tasks: falTasks,
  endpoints: [
    ...queueAt("/queue"),
    ...queueAt(""),
    {
      kind: "task",
      method: "POST",
      path: "/queue/{model}",
      task: "",
      answer: (ask) => enqueue(ask, "/queue"),
    },
    { kind: "task", method: "POST", path: "/{model}", task: "", answer: runNow },
  ],
  error,
};
