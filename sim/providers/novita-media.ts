import { isObject, isString, type Json, type JsonObject } from "../json.js";
import { link, makeFilm } from "../media/make.js";
import type { Size } from "../media/picture.js";
import { taskModel } from "../model-entry.js";
import type { Endpoint } from "../provider.js";
import type { TaskModel } from "../provider-facts.js";
import { badRequest, json, type Refused, type TaskAnswer, unlogged } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import { sizeOfInput } from "../task/draw.js";
import type { Job } from "../task/job.js";
import { isOver, outputOf, poll, reasonOf, submit, wordFor } from "../task/jobs.js";
import { filmLengthIn, sizeIn } from "../task/read.js";
import type { Units } from "../units.js";

export const novitaTasks: readonly TaskModel[] = [
  taskModel("text-to-video", "Wan-AI/Wan2.1-T2V-14B", "wan-t2v", { video_second: "0.06" }),
  taskModel("image-text-to-video", "MiniMaxAI/MiniMax-H3", "MiniMax-H3", { video_second: "0.05" }),
];

const FILM: Size = { width: 1280, height: 720 };
const SECONDS = 5;
const LINK_LIVES_SECONDS = "3600";

type Made = { readonly url: string; readonly units: Units };

function film(ask: TaskAsk, from: JsonObject): Made | Refused {
  if (!isString(from.prompt)) return badRequest("prompt", "prompt is required");
  const size = sizeIn(from, FILM);
  if (!size) return badRequest("width", "width and height are out of range");
  const made = makeFilm(ask, size, filmLengthIn(from, SECONDS));
  return { url: link(ask, made, "video"), units: { videoSeconds: made.seconds } };
}

const shown = (url: Json): JsonObject => ({
  video_url: url,
  video_url_ttl: LINK_LIVES_SECONDS,
  video_type: "mp4",
});

function begin(ask: TaskAsk): TaskAnswer {
  const made = film(ask, ask.json);
  if ("refused" in made) return made;
  const { url, units } = made;
  const { id } = submit(ask, { id: ask.call.requestId, model: ask.model, output: url, units });
  return unlogged({ task_id: id });
}

const WORDS = {
  queued: "TASK_STATUS_QUEUED",
  running: "TASK_STATUS_PROCESSING",
  succeeded: "TASK_STATUS_SUCCEED",
  failed: "TASK_STATUS_FAILED",
  canceled: "TASK_STATUS_FAILED",
};

function taskResult(ask: TaskAsk): TaskAnswer {
  const job = poll(ask, ask.query.get("task_id") ?? "");
  if ("refused" in job) return job;
  const url = outputOf(job);
  return unlogged({
    extra: {},
    task: {
      task_id: job.id,
      task_type: "TXT_TO_VIDEO",
      status: wordFor(ask, job, WORDS),
      reason: job.phase === "failed" ? reasonOf(job) : "",
      eta: 0,
      progress_percent: isOver(job) ? 100 : Math.min(90, job.polls * 40),
    },
    images: [],
    videos: url === undefined ? [] : [shown(url)],
    audios: [],
  });
}

/** The form Hugging Face's Python client uses: no job, the answer comes when the film is there. */
function atOnce(ask: TaskAsk): TaskAnswer {
  const made = film(ask, ask.json);
  return "refused" in made ? made : json({ video: shown(made.url) }, { units: made.units });
}

const SHORT_EDGES: { readonly [resolution: string]: number } = { "768P": 768, "2K": 1440 };
const LENGTH_MAX = 15;
const LENGTH_MIN = 4;

/** The text and the first frame in the parts of `content`. */
function partsIn(body: JsonObject) {
  const parts = Array.isArray(body.content) ? body.content.filter(isObject) : [];
  const text = parts.find((part) => part.type === "text")?.text;
  const frame = parts.find((part) => part.type === "image_url")?.image_url;
  return { text, image: isObject(frame) ? frame.url : undefined };
}

function beginMiniMax(ask: TaskAsk): TaskAnswer {
  const { text, image } = partsIn(ask.json);
  const { resolution, duration } = ask.json;
  if (!isString(text) || text === "") return badRequest("content", "a text part is required");
  if (image !== undefined && !sizeOfInput(ask, image, FILM)) {
    return badRequest("content", "the image could not be decoded");
  }
  const height = SHORT_EDGES[String(resolution)];
  if (height === undefined) return badRequest("resolution", "resolution must be 768P or 2K");
  const seconds = Number(duration);
  if (!(seconds >= LENGTH_MIN && seconds <= LENGTH_MAX)) {
    return badRequest("duration", `duration must be from ${LENGTH_MIN} to ${LENGTH_MAX}`);
  }
  const made = makeFilm(ask, { width: Math.round((height * 16) / 9), height }, seconds);
  const { id } = submit(ask, {
    id: ask.call.requestId,
    model: ask.model,
    output: link(ask, made, "video"),
    units: { videoSeconds: made.seconds },
  });
  return unlogged({ task_id: id });
}

const MINIMAX_WORDS = {
  queued: "queued",
  running: "running",
  succeeded: "succeeded",
  failed: "failed",
  canceled: "cancelled",
};

function queryMiniMax(ask: TaskAsk): TaskAnswer {
  const job = poll(ask, ask.params.id ?? "");
  if ("refused" in job) return job;
  return unlogged({ task: { task_id: job.id, ...miniMaxState(ask, job) } });
}

function miniMaxState(ask: TaskAsk, job: Job): JsonObject {
  const status = wordFor(ask, job, MINIMAX_WORDS);
  if (job.phase === "failed") return { status, error: { message: reasonOf(job) } };
  const url = outputOf(job);
  return url === undefined ? { status } : { status, content: { url } };
}

/** Novita's films. No recordings: what Hugging Face's clients send and read, the other fields from its reference. */
export const novitaMedia: readonly Endpoint[] = [
  {
    kind: "task",
    method: "GET",
    path: "/v3/async/task-result",
    task: "text-to-video",
    answer: taskResult,
  },
  { kind: "task", method: "POST", path: "/v3/async/{model}", task: "text-to-video", answer: begin },
  { kind: "task", method: "POST", path: "/v3/hf/{model}", task: "text-to-video", answer: atOnce },
  {
    kind: "task",
    method: "POST",
    path: "/v3/minimax/v2/video_generation",
    task: "image-text-to-video",
    answer: beginMiniMax,
  },
  {
    kind: "task",
    method: "GET",
    path: "/v3/minimax/v2/query/video_generation/{id}",
    task: "image-text-to-video",
    answer: queryMiniMax,
  },
];
