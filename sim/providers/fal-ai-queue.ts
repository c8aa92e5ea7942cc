import { type Call, refusalOf } from "../call.js";
import type { Failure } from "../failure.js";
import { isObject, type Json, type JsonObject } from "../json.js";
import type { TaskEndpoint } from "../provider.js";
import { type Refused, type TaskAnswer, unlogged } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import type { Job } from "../task/job.js";
import { end, isOver, outputOf, poll, submit, wordFor } from "../task/jobs.js";
import type { UnitPriceText, Units } from "../units.js";
import { wait } from "../wait.js";
import { taskOfApp } from "./fal-ai-models.js";
import { run } from "./fal-ai-run.js";

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

export const billing = (call: Call, app: string, task: string, units: Units) => ({
  "x-fal-billable-units": decimal(
    billable(units, call.state.unitPriceOf(call.provider, app, task)),
  ),
});

/** An app is an owner and a name, and perhaps a path of its own. */
export const isApp = (app: string): boolean => /^[^/]+\/[^/]+/.test(app);

export const noApp = (app: string): Refused => ({
  refused: { kind: "not_found", about: `POST /${app}` },
});

/** The queue takes anything; what is wrong with the input is told in the place of the result. */
export function enqueue(ask: TaskAsk, prefix: string): TaskAnswer {
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

function fails(call: Call, failure: Failure) {
  const { status, body } = refusalOf(call, failure);
  return { status, detail: body };
}

function partOf({ output }: Job, part: "urls" | "result"): JsonObject {
  const found = isObject(output) ? output[part] : undefined;
  return isObject(found) ? found : {};
}

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
  return unlogged(statusOf(ask, job), { status: isOver(job) ? 200 : 202, headers: own(job) });
}

function statusOf(ask: TaskAsk, job: Job): JsonObject {
  const more: JsonObject = isOver(job)
    ? { metrics: { inference_time: job.units.computeSeconds ?? 0.25 } }
    : {};
  const queued: JsonObject = job.phase === "queued" ? { queue_position: 0 } : {};
  const logs = ask.query.get("logs") === "1" ? [] : null;
  return {
    status: wordFor(ask, job, WORDS),
    request_id: job.id,
    ...partOf(job, "urls"),
    logs,
    ...queued,
    ...more,
  };
}

/** Everything about a job carries the id of the request that submitted it. */
const own = (job: Job) => ({ "x-fal-request-id": job.id });

/** The states as events, one a poll. They are sent together when the last one is known. */
async function statusStream(ask: TaskAsk): Promise<TaskAnswer> {
  const events = [];
  const until = performance.now() + STREAM_MS_MAX;
  for (let over = false; !over && performance.now() < until; ) {
    const job = poll(ask, ask.params.id ?? "");
    if ("refused" in job) return job;
    over = isOver(job);
    events.push({ text: `data: ${JSON.stringify(statusOf(ask, job))}\n\n`, tokens: 0 });
    if (!over && !(await wait(STREAM_POLL_MS, ask.call.request.signal))) break;
  }
  return { body: { events }, logged: false };
}

const STREAM_MS_MAX = 60_000;
const STREAM_POLL_MS = 10;

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
    return detail(job.dials.job_fail_message ?? "Internal Server Error", 500);
  }
  const { model, task, units } = job;
  const headers = { ...own(job), ...billing(ask.call, model, task, units) };
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
export const queueAt = (prefix: string): TaskEndpoint[] => {
  const one = (method: "GET" | "PUT", path: string, answer: TaskEndpoint["answer"]) =>
    ({ kind: "task", method, path: `${prefix}${path}`, task: "", answer }) as const;
  return [
    one("GET", "/{app}/requests/{id}/status", status),
    one("GET", "/{app}/requests/{id}/status/stream", statusStream),
    one("PUT", "/{app}/requests/{id}/cancel", cancel),
    one("GET", "/{app}/requests/{id}", result),
  ];
};
