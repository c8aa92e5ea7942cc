import type { ErrorAnswer, ErrorFacts } from "../failure.js";
import { isObject, isString, type Json, type JsonObject } from "../json.js";
import type { Bytes } from "../media/bytes.js";
import type { Provider } from "../provider.js";
import { badRequest, json, type Refused, type TaskAnswer, unlogged } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import type { Job } from "../task/job.js";
import {
  end,
  isOver,
  outputOf,
  poll,
  reasonOf,
  submit,
  waitForJob,
  wordFor,
} from "../task/jobs.js";
import { publish } from "../task/publish.js";
import { isoTime, simulatedNow, workSeconds } from "../task/worked.js";
import {
  type Model,
  missingIn,
  modelOfVersion,
  replicateTasks,
  taskOfModel,
} from "./replicate-models.js";
import { run } from "./replicate-run.js";

const TOP_LEVEL = ["version", "input", "stream", "webhook", "webhook_events_filter"];
const WAIT_SECONDS_MAX = 60;

type Asked = { readonly model: Model; readonly input: JsonObject; readonly task: string };

function predict(ask: TaskAsk): TaskAnswer | Promise<TaskAnswer> {
  const asked = read(ask);
  if (!("refused" in asked)) return begin(ask, asked);
  return { ...asked, refused: { ...asked.refused, headers: preferenceIn(ask)?.headers ?? {} } };
}

function read({ params, json: body }: TaskAsk): Asked | Refused {
  const inPath = params.model;
  const known = inPath === undefined ? TOP_LEVEL : TOP_LEVEL.filter((one) => one !== "version");
  const unknown = Object.keys(body).find((name) => !known.includes(name));
  if (unknown !== undefined) return { refused: { kind: "unknown_field", about: unknown } };
  const named = inPath ?? body.version;
  if (!isString(named) || named === "") return badRequest("", "version is required");
  const model = modelOfVersion(named);
  const input = isObject(body.input) ? body.input : undefined;
  if (!input) return badRequest("", "input is required");
  const task = taskOfModel(model.id, input);
  const missing = missingIn(model.id, input);
  if (missing) return { ...badRequest("input", `${missing} is required`), model: model.id, task };
  return { model, input, task };
}

/** `Prefer: wait` or `wait=5`: how long the caller would hold the line, and the answer's word for it. */
function preferenceIn({ headers }: TaskAsk) {
  const prefer = /^wait(?:=(\d+))?$/.exec(headers.get("prefer") ?? "");
  if (!prefer) return undefined;
  const seconds = Math.min(Number(prefer[1] ?? WAIT_SECONDS_MAX), WAIT_SECONDS_MAX);
  return { seconds, headers: { "preference-applied": `wait=${seconds}` } };
}

function started(ask: TaskAsk, { model, input, task }: Asked): Job {
  const made = run(ask, task, input);
  const plan = { id: ask.call.requestId, model: model.id, task };
  if ("why" in made) {
    const output = { input, result: null };
    return submit(ask, { ...plan, output, units: {}, fails: { status: 200, detail: made.why } });
  }
  const units = { ...made.units, computeSeconds: workSeconds(made.units) };
  return submit(ask, { ...plan, output: { input, result: made.output }, units });
}

async function begin(ask: TaskAsk, asked: Asked): Promise<TaskAnswer> {
  const job = started(ask, asked);
  const preference = preferenceIn(ask);
  if (!preference) return unlogged(prediction(ask, job), { status: 201 });
  const { seconds, headers } = preference;
  const withinMs = Math.min(seconds * 1000, ask.dials.wait_ms_max ?? Number.POSITIVE_INFINITY);
  if (await waitForJob(job, withinMs, ask.call.request.signal)) {
    // On recordings an answer that was waited for is complete and still says that it is not.
    const answer = prediction(ask, job);
    const early = job.phase === "succeeded" ? { ...answer, ...STILL_PROCESSING } : answer;
    return unlogged(early, { status: 201, headers });
  }
  const location = `${ask.base}/v1/predictions/${job.id}`;
  const late = { ...headers, location, reason: "wait time exceeded" };
  return unlogged(prediction(ask, job), { status: 202, headers: late });
}

const STILL_PROCESSING = {
  status: "processing",
  started_at: undefined,
  completed_at: undefined,
  metrics: undefined,
};

const WORDS = {
  queued: "starting",
  running: "processing",
  succeeded: "succeeded",
  failed: "failed",
  canceled: "canceled",
};

function prediction(ask: TaskAsk, job: Job): JsonObject {
  const { name, version } = modelOfVersion(job.model);
  const { input = {}, result = null } = isObject(job.output) ? job.output : {};
  const created = simulatedNow(job);
  const at = `${ask.base}/v1/predictions/${job.id}`;
  return {
    id: job.id,
    model: name,
    // An official model's deployment is not told apart from the model.
    version: version === name ? "hidden" : version,
    input,
    logs: "",
    output: outputOf(job) === undefined ? null : result,
    data_removed: false,
    error: job.phase === "failed" ? reasonOf(job) : null,
    source: "api",
    status: wordFor(ask, job, WORDS),
    created_at: isoTime(created),
    ...(job.phase === "queued" ? {} : { started_at: isoTime(created) }),
    ...(isOver(job) ? ended(job, created) : {}),
    urls: { cancel: `${at}/cancel`, get: at, stream: `${ask.base}/v1/streams/${job.id}`, web: at },
  };
}

function ended(job: Job, created: number): JsonObject {
  const worked = job.units.computeSeconds ?? 0.25;
  const metrics = { predict_time: worked, total_time: worked + 0.1 };
  return { completed_at: isoTime(created + worked), metrics };
}

const withJob =
  (answer: (ask: TaskAsk, job: Job) => TaskAnswer) =>
  (ask: TaskAsk): TaskAnswer => {
    const job = poll(ask, ask.params.id ?? "");
    return "refused" in job ? job : answer(ask, job);
  };

/** An upload, for inputs that are too large to be written into the request. */
async function upload(ask: TaskAsk): Promise<TaskAnswer> {
  const content = ask.body.kind === "form" ? ask.body.form.get("content") : null;
  if (!content || isString(content)) return badRequest("content", "content is required");
  const bytes: Bytes = new Uint8Array(await content.arrayBuffer());
  const type = content.type || "application/octet-stream";
  const get = publish(ask, { bytes, type }, content.name || "file");
  const created = simulatedNow(ask.call);
  const file: Json = {
    id: ask.ids.alphanumeric(48),
    name: content.name,
    content_type: type,
    size: bytes.length,
    etag: ask.ids.hex(32),
    checksums: { sha256: new Bun.CryptoHasher("sha256").update(bytes).digest("hex") },
    metadata: {},
    created_at: isoTime(created),
    expires_at: isoTime(created + 86_400),
    urls: { get },
  };
  return json(file, { status: 201, logged: false });
}

/** RFC 9457 problems, as on recordings for 422; the other ones from general knowledge. */
function error({ kind, about, message, status }: ErrorFacts): ErrorAnswer {
  if (kind === "bad_request" || kind === "unknown_field") {
    const unknown = kind === "unknown_field";
    const description = unknown ? `Additional property ${about} is not allowed` : message;
    const field = unknown ? "" : about;
    const type = unknown ? "additional_property_not_allowed" : "required";
    return problem(422, "Input validation failed", {
      detail: `- ${field === "" ? "" : `${field}: `}${description}\n`,
      invalid_fields: [{ type, field, description }],
    });
  }
  const [title, detail] = PROBLEMS[kind] ?? ["Internal server error", "Something went wrong."];
  return problem(status, title, { detail });
}

const PROBLEMS: { readonly [kind: string]: readonly [title: string, detail: string] } = {
  unauthorized: ["Unauthenticated", "You did not pass a valid authentication token"],
  rate_limited: ["Too many requests", "Request was throttled. Expected available in 1 second."],
  not_found: ["Not found", "The requested resource could not be found."],
  unknown_model: ["Not found", "The requested resource could not be found."],
};

const problem = (status: number, title: string, more: JsonObject): ErrorAnswer => ({
  status,
  body: { ...more, status, title },
  headers: { "content-type": "application/problem+json" },
});

/**
 * Replicate. Answers to `Prefer: wait` and refusals as on recordings of 2025-01 to 2025-02; polls, cancellation,
 * files and metrics as its reference and its SDK of 2026 have them. No recording has a request id: the header
 * carries the prediction's.
 */
export const replicate: Provider = {
  id: "replicate",
  requestIdHeader: "x-request-id",
  requestId: (ids) => ids.alphanumeric(26).toLowerCase(),
  models: [],
  tasks: replicateTasks,
  endpoints: [
    { kind: "task", method: "POST", path: "/v1/predictions", task: "", answer: predict },
    {
      kind: "task",
      method: "POST",
      path: "/v1/models/{model}/predictions",
      task: "",
      answer: predict,
    },
    {
      kind: "task",
      method: "POST",
      path: "/v1/predictions/{id}/cancel",
      task: "",
      answer: withJob((ask, job) => {
        end(job, "canceled");
        return unlogged(prediction(ask, job));
      }),
    },
    {
      kind: "task",
      method: "GET",
      path: "/v1/predictions/{id}",
      task: "",
      answer: withJob((ask, job) => unlogged(prediction(ask, job))),
    },
    { kind: "task", method: "POST", path: "/v1/files", task: "", answer: upload },
  ],
  error,
};
