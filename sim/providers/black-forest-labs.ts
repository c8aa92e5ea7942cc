import type { ErrorAnswer, ErrorFacts } from "../failure.js";
import type { Json } from "../json.js";
import { link } from "../media/make.js";
import { taskModel } from "../model-entry.js";
import type { Provider } from "../provider.js";
import { keyAfter } from "../provider-key.js";
import { json, type TaskAnswer, unlogged } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import { draw } from "../task/draw.js";
import type { Job } from "../task/job.js";
import { isOver, outputOf, poll, reasonOf, submit, wordFor } from "../task/jobs.js";
import { seedIn } from "../task/read.js";
import { simulatedNow, workSeconds } from "../task/worked.js";

function begin(ask: TaskAsk): TaskAnswer {
  const drawn = draw(ask, ask.json, { size: { width: 1024, height: 768 }, format: "jpeg" });
  if ("refused" in drawn) return drawn;
  const { call, model, base } = ask;
  const [picture] = drawn.pictures;
  const units = { ...drawn.units, images: 1 };
  const start = simulatedNow(call);
  const duration = workSeconds(units);
  const output = {
    sample: picture ? link(ask, picture, "sample") : null,
    prompt: drawn.prompt,
    seed: seedIn(ask, ask.json),
    start_time: start,
    end_time: start + duration,
    duration,
  };
  const { id } = submit(ask, { id: call.requestId, model, output, units });
  return unlogged({ id, polling_url: `${base}/v1/get_result?id=${id}` });
}

const WORDS = {
  queued: "Pending",
  running: "Pending",
  succeeded: "Ready",
  failed: "Error",
  canceled: "Error",
};

function told(ask: TaskAsk, job: Job): Json {
  const status = wordFor(ask, job, WORDS);
  const progress = isOver(job) ? null : Math.min(1, job.polls * 0.3);
  const details = job.phase === "failed" ? { details: { reason: reasonOf(job) } } : {};
  return { id: job.id, status, result: outputOf(job) ?? null, progress, ...details };
}

function result(ask: TaskAsk): TaskAnswer {
  const id = ask.query.get("id") ?? "";
  const job = poll(ask, id);
  if ("refused" in job) {
    if (job.refused.kind !== "not_found") return job;
    const unknown = { id, status: "Task not found", result: null, progress: null };
    return json(unknown, { status: 404, logged: false });
  }
  return unlogged(told(ask, job), { headers: { "retry-after": "1" } });
}

/** FastAPI's errors; the wordings are general knowledge. */
function error({ kind, about, message, status }: ErrorFacts): ErrorAnswer {
  switch (kind) {
    case "unauthorized":
      return { status: 403, body: { detail: "Not authenticated - Invalid Authentication" } };
    case "bad_request":
      return {
        status: 422,
        body: { detail: [{ type: "value_error", loc: ["body", about], msg: message }] },
      };
    case "rate_limited":
      return { status, body: { detail: "Rate limit exceeded" } };
    case "server_error":
      return { status, body: { detail: "Internal Server Error" } };
    default:
      return { status: 404, body: { detail: "Not Found" } };
  }
}

/**
 * Black Forest Labs. Submission, polls and result as on a recording of 2025-02. The key is in `x-key`, as its
 * reference says, or after `X-Key` in `Authorization`, as Hugging Face's clients sent it.
 */
export const blackForestLabs: Provider = {
  id: "black-forest-labs",
  requestIdHeader: "x-request-id",
  requestId: (ids) => ids.uuid(),
  keyIn: (headers) => headers.get("x-key") ?? keyAfter("X-Key", headers),
  models: [],
  tasks: [
    taskModel("text-to-image", "black-forest-labs/FLUX.1-dev", "flux-dev", { image: "0.025" }),
    taskModel("text-to-image", "black-forest-labs/FLUX.1-Krea-dev", "flux-krea-dev", {
      image: "0.025",
    }),
  ],
  endpoints: [
    {
      kind: "task",
      method: "GET",
      path: "/v1/get_result",
      task: "text-to-image",
      answer: result,
    },
    { kind: "task", method: "POST", path: "/v1/{model}", task: "text-to-image", answer: begin },
  ],
  error,
};
