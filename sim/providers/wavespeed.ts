import type { ErrorAnswer, ErrorFacts } from "../failure.js";
import { worded } from "../families/openai-errors.js";
import { isString, type JsonObject } from "../json.js";
import { link, makeFilm } from "../media/make.js";
import type { Size } from "../media/picture.js";
import { taskModel } from "../model-entry.js";
import type { Provider } from "../provider.js";
import type { TaskModel } from "../provider-facts.js";
import { badRequest, type Refused, type TaskAnswer, unlogged } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import { draw, sizeOfInput } from "../task/draw.js";
import type { Job } from "../task/job.js";
import { isOver, outputOf, poll, reasonOf, submit, wordFor } from "../task/jobs.js";
import { filmLengthIn, sizeIn } from "../task/read.js";
import { isoTime, simulatedNow, workSeconds } from "../task/worked.js";
import type { Units } from "../units.js";

const TASKS: readonly TaskModel[] = [
  taskModel("text-to-image", "black-forest-labs/FLUX.1-schnell", "wavespeed-ai/flux-schnell", {
    image: "0.003",
  }),
  taskModel(
    "image-to-image",
    "black-forest-labs/FLUX.1-Kontext-dev",
    "wavespeed-ai/flux-kontext-dev",
    {
      image: "0.025",
    },
  ),
  taskModel("image-text-to-image", "black-forest-labs/FLUX.2-dev", "wavespeed-ai/flux-2-dev/edit", {
    image: "0.024",
  }),
  taskModel("text-to-video", "Wan-AI/Wan2.2-T2V-A14B", "wavespeed-ai/wan-2.2/t2v-480p", {
    video_second: "0.03",
  }),
  taskModel("image-to-video", "Wan-AI/Wan2.2-I2V-A14B", "wavespeed-ai/wan-2.2/i2v-480p", {
    video_second: "0.03",
  }),
  taskModel("image-text-to-video", "Lightricks/LTX-2", "wavespeed-ai/ltx-2/image-to-video", {
    video_second: "0.06",
  }),
];

const SQUARE: Size = { width: 1024, height: 1024 };
const FILM: Size = { width: 832, height: 480 };
const SECONDS = 5;

function taskOf(model: string, body: JsonObject): string {
  const listed = TASKS.find(({ id }) => id === model);
  if (listed) return listed.task;
  const given = body.image !== undefined || body.images !== undefined;
  if (/video|t2v|i2v/.test(model)) return given ? "image-to-video" : "text-to-video";
  return given ? "image-to-image" : "text-to-image";
}

type Made = { readonly outputs: readonly string[]; readonly units: Units };

function make(ask: TaskAsk, task: string): Made | Refused {
  const { json } = ask;
  const given = json.image ?? (Array.isArray(json.images) ? json.images[0] : undefined);
  if (task.startsWith("image") && given === undefined)
    return badRequest("image", "image is required");
  if (given === undefined && !isString(json.prompt)) {
    return badRequest("prompt", "prompt is required");
  }
  const input = given === undefined ? undefined : sizeOfInput(ask, given, SQUARE);
  if (given !== undefined && !input) return badRequest("image", "image could not be decoded");
  if (task.endsWith("video")) {
    const size = sizeIn(json, FILM);
    if (!size) return badRequest("size", "size is out of range");
    const film = makeFilm(ask, size, filmLengthIn(json, SECONDS));
    return { outputs: [link(ask, film, "video")], units: { videoSeconds: film.seconds } };
  }
  const usual = input && input.width > 1 ? input : SQUARE;
  const drawn = draw(ask, json, { size: usual, format: "jpeg", promptless: true });
  if ("refused" in drawn) return drawn;
  const outputs = drawn.pictures.map((one, i) => link(ask, one, `image-${i}`));
  return { outputs, units: drawn.units };
}

function begin(ask: TaskAsk): TaskAnswer {
  const task = taskOf(ask.model, ask.json);
  const made = make(ask, task);
  if ("refused" in made) return { ...made, task };
  const job = submit(ask, {
    id: ask.call.requestId,
    model: ask.model,
    task,
    output: made.outputs,
    units: made.units,
  });
  // The first answer never has the result, however fast it was.
  const first = {
    status: "created",
    outputs: [],
    has_nsfw_contents: [],
    error: "",
    executionTime: 0,
    timings: { inference: 0 },
  };
  return unlogged({ code: 200, message: "success", data: { ...dataOf(ask, job), ...first } });
}

const WORDS = {
  queued: "created",
  running: "processing",
  succeeded: "completed",
  failed: "failed",
  canceled: "failed",
};

function dataOf(ask: TaskAsk, job: Job): JsonObject {
  const outputs = outputOf(job) ?? [];
  const inference = isOver(job) ? Math.round(workSeconds(job.units) * 1000) : 0;
  return {
    id: job.id,
    model: job.model,
    outputs,
    urls: { get: `${ask.base}/api/v3/predictions/${job.id}/result` },
    has_nsfw_contents: Array.isArray(outputs) ? outputs.map(() => false) : [],
    status: wordFor(ask, job, WORDS),
    created_at: isoTime(simulatedNow(job)),
    error: job.phase === "failed" ? reasonOf(job) : "",
    executionTime: inference,
    timings: { inference },
  };
}

function result(ask: TaskAsk): TaskAnswer {
  const job = poll(ask, ask.params.id ?? "");
  if ("refused" in job) return job;
  return unlogged({ code: 200, message: "success", data: dataOf(ask, job) });
}

/** Its answers repeat the status in the body; the wordings are general knowledge. */
function error(facts: ErrorFacts): ErrorAnswer {
  const { status, message } = worded(facts, {
    unauthorized: { message: () => "Unauthorized: Invalid API key" },
    rate_limited: { message: () => "Too many requests" },
    unknown_model: { message: () => "product not found" },
    not_found: { message: () => "not found" },
  });
  return { status, body: { code: status, message } };
}

/** WaveSpeed. No recordings: its documentation of 2025 and 2026, with the paths that Hugging Face's clients use. */
export const wavespeed: Provider = {
  id: "wavespeed",
  requestIdHeader: "x-request-id",
  requestId: (ids) => ids.hex(32),
  models: [],
  tasks: TASKS,
  endpoints: [
    {
      kind: "task",
      method: "GET",
      path: "/api/v3/predictions/{id}/result",
      task: "",
      answer: result,
    },
    { kind: "task", method: "GET", path: "/api/v3/predictions/{id}", task: "", answer: result },
    { kind: "task", method: "POST", path: "/api/v3/{model}", task: "", answer: begin },
  ],
  error,
};
