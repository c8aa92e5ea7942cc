import { type Call, refusalOf } from "../call.js";
import type { Json, JsonObject } from "../json.js";
import type { ErrorAnswer, ErrorFacts, Provider, TaskEndpoint } from "../provider.js";
import { keyAfter } from "../provider-key.js";
import { json, type Refused, type TaskAnswer, unlogged } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import { end, isOver, type Job, outputOf, poll, submit, wordFor } from "../task/jobs.js";
import type { UnitPriceText, Units } from "../units.js";
import { falTasks, taskOfApp } from "./fal-ai-models.js";
import { BAD_DATA_URL, run } from "./fal-ai-run.js";

/** What was asked for, in the unit the app is priced in: fal tells it in a header. */
function billable(units: Units, price: UnitPriceText): number {
  if (price.megapixel) return (units.pixels ?? 0) / 1_000_000;
  if (price.image) return units.images ?? 0;
  if (price.video_second) return units.videoSeconds ?? 0;
  if (price.audio_second) return units.audioSeconds ?? 0;
  if (price.audio_minute) return (units.audioSeconds ?? 0) / 60;
  if (price.million_characters) return (units.characters ?? 0) / 1_000_000;
  return price.compute_second ? (units.computeSeconds ?? 0) : 1;
}

const decimal = (value: number): string => value.toFixed(9).replace(/\.?0+$/, "");

const billing = (call: Call, app: string, task: string, units: Units) => ({
  "x-fal-billable-units": decimal(
    billable(units, call.state.unitPriceOf(call.provider, app, task)),
  ),
});

/** An app is an owner and a name, and perhaps a path of its own. */
const isApp = (app: string): boolean => /^[^/]+\/[^/]+/.test(app);

const noApp = (app: string): Refused => ({ refused: { kind: "not_found", about: `POST /${app}` } });

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

/** The queue takes anything; what is wrong with the input is told in the place of the result. */
function enqueue(ask: TaskAsk, prefix: string): TaskAnswer {
  const app = ask.model;
  if (!isApp(app)) return noApp(app);
  const { call, base } = ask;
  const task = taskOfApp(app, ask.json);
  const made = run(ask, task);
  const plan = { id: call.requestId, model: app, task };
  const [owner, alias] = app.split("/");
  const url = `${base}${prefix}/${owner}/${alias}/requests/${call.requestId}`;
  const urls = { response_url: url, status_url: `${url}/status`, cancel_url: `${url}/cancel` };
  const job =
    "failure" in made
      ? submit(ask, { ...plan, output: { urls }, units: {}, fails: fails(call, made.failure) })
      : submit(ask, { ...plan, output: { urls, result: made.output }, units: made.units });
  const { id } = job;
  return unlogged({ status: "IN_QUEUE", request_id: id, ...urls, queue_position: 0 });
}

function fails(call: Call, failure: Parameters<typeof refusalOf>[1]) {
  const { status, body } = refusalOf(call, failure);
  return { status, detail: body };
}

const partOf = (job: Job, part: "urls" | "result"): JsonObject =>
  ((job.output as JsonObject)[part] ?? {}) as JsonObject;

const WORDS = {
  queued: "IN_QUEUE",
  running: "IN_PROGRESS",
  succeeded: "COMPLETED",
  // The queue knows no other end: whether it went well is told in the place of the result.
  failed: "COMPLETED",
  canceled: "COMPLETED",
};

function status(ask: TaskAsk): TaskAnswer {
  const job = poll(ask, ask.params.id ?? "");
  if ("refused" in job) return job;
  const word = wordFor(ask, job, WORDS);
  const more: JsonObject = isOver(job)
    ? { metrics: { inference_time: job.units.computeSeconds ?? 0.25 } }
    : {};
  const queued: JsonObject = job.phase === "queued" ? { queue_position: 0 } : {};
  const logs = ask.query.get("logs") === "1" ? [] : null;
  const body = {
    status: word,
    request_id: job.id,
    ...partOf(job, "urls"),
    logs,
    ...queued,
    ...more,
  };
  return unlogged(body, { status: isOver(job) ? 200 : 202, headers: own(job) });
}

/** Everything about a job carries the id of the request that submitted it. */
const own = (job: Job) => ({ "x-fal-request-id": job.id });

function result(ask: TaskAsk): TaskAnswer {
  const job = poll(ask, ask.params.id ?? "");
  if ("refused" in job) return job;
  const detail = (text: Json, code: number) =>
    unlogged({ detail: text }, { status: code, headers: own(job) });
  if (!isOver(job)) return detail("Request is still in progress", 400);
  if (job.phase === "canceled") return detail("Request was cancelled", 400);
  if (job.phase === "failed") {
    const { fails: why } = job;
    if (why) return unlogged(why.detail, { status: why.status, headers: own(job) });
    return detail(job.call.dials.job_fail_message ?? "Internal Server Error", 500);
  }
  const { call, model, task, units } = job;
  const headers = { ...own(job), ...billing(call, model, task, units) };
  return unlogged(outputOf(job) === undefined ? {} : partOf(job, "result"), { headers });
}

function cancel(ask: TaskAsk): TaskAnswer {
  const job = poll(ask, ask.params.id ?? "");
  if ("refused" in job) return job;
  if (isOver(job)) return unlogged({ status: "ALREADY_COMPLETED" }, { status: 400 });
  end(job, "canceled");
  return unlogged({ status: "CANCELLATION_REQUESTED" }, { status: 202 });
}

/**
 * The queue is a host of its own. It is reached by a `/queue` in front, or, as Hugging Face's router does, by
 * `?_subdomain=queue`; polls tell by their path that they are for it.
 */
const queueAt = (prefix: string): TaskEndpoint[] => {
  const one = (method: "GET" | "PUT", path: string, answer: TaskEndpoint["answer"]) =>
    ({ kind: "task", method, path: `${prefix}${path}`, task: "", answer }) as const;
  return [
    one("GET", "/{app}/requests/{id}/status", status),
    one("PUT", "/{app}/requests/{id}/cancel", cancel),
    one("GET", "/{app}/requests/{id}", result),
  ];
};

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
