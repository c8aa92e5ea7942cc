/** MiniMax's films, as Novita has them. After @huggingface/inference 4.13.30, src/providers/novita.ts. */
import { badRequest } from "../../kernel/errors.js";
import type { Json, TaskInput } from "../../tasks/task-call.js";
import type { PassRoute, Step, TaskAdapter } from "../provider.js";
import { at, textAt } from "../reply.js";
import { modelRoute, postJson, without } from "../request.js";
import { askFor, PACES } from "./jobs.js";
import { hasMedia, mediaUriOf, neededPromptOf, type Size, sizeIn } from "./task-input.js";
import { doneWithMedia, failed, mediaAt } from "./task-output.js";

const BEGIN = "/v3/minimax/v2/video_generation";
const QUERY = "/v3/minimax/v2/query/video_generation";
const MODEL = "MiniMax-H3";

export const minimaxVideo: TaskAdapter = {
  start: (input, { providerModel }) => {
    if (providerModel === MODEL) return postJson(BEGIN, { ...bodyOf(input), model: MODEL });
    throw badRequest(`Novita makes films from pictures with ${MODEL} only.`, "model");
  },
  next: ({ request, json }) =>
    request.method === "POST" ? ask(textAt(json, "task_id")) : afterLook(request.path, json),
};

export const minimaxRoutes: readonly PassRoute[] = [
  modelRoute(BEGIN, "image-text-to-video"),
  { method: "GET", path: `${QUERY}/{job}`, tasks: [] },
];

/** What it has no word for. */
const UNKNOWN = ["guidance_scale", "negative_prompt", "num_inference_steps", "seed"];

function bodyOf(input: TaskInput): Json {
  const prompt = neededPromptOf(input);
  const { parameters } = input;
  const size = sizeIn(parameters.target_size);
  const image = hasMedia(input) ? mediaUriOf(input, "image/png") : undefined;
  const picture = { type: "image_url", image_url: { url: image }, role: "first_frame" };
  return {
    resolution: resolutionFor(size),
    duration: durationFor(parameters.num_frames),
    ratio: ratioFor(size),
    ...without(parameters, "prompt", "num_frames", "target_size", ...UNKNOWN),
    content: [{ type: "text", text: prompt }, ...(image === undefined ? [] : [picture])],
    ...(image !== undefined && { ratio: "adaptive" }),
  };
}

/** By its short edge; the smaller if in doubt. */
function resolutionFor(size: Size | undefined): string {
  const edge = size ? Math.min(size.width, size.height) : SHORT_EDGES["768P"];
  const { "768P": low, "2K": high } = SHORT_EDGES;
  return Math.abs(edge - low) <= Math.abs(edge - high) ? "768P" : "2K";
}

const SHORT_EDGES = { "768P": 768, "2K": 1_440 };

/** In whole seconds, of those that it can make. */
function durationFor(frames: unknown): number {
  if (typeof frames !== "number") return SECONDS_MIN;
  return Math.min(SECONDS_MAX, Math.max(SECONDS_MIN, Math.round(frames / FRAMES_PER_SECOND)));
}

const FRAMES_PER_SECOND = 24;
const SECONDS_MIN = 4;
const SECONDS_MAX = 15;

const RATIOS: Readonly<Record<string, number>> = {
  "21:9": 21 / 9,
  "16:9": 16 / 9,
  "4:3": 4 / 3,
  "1:1": 1,
  "3:4": 3 / 4,
  "9:16": 9 / 16,
};

/** The nearest; the first of two that are equally near. */
function ratioFor(size: Size | undefined): string {
  const wanted = size ? size.width / size.height : 16 / 9;
  const distance = ([, ratio]: readonly [string, number]) => Math.abs(wanted - ratio);
  return Object.entries(RATIOS).reduce((best, one) =>
    distance(one) < distance(best) ? one : best,
  )[0];
}

const ask = (job: string): Step =>
  askFor({ path: `${QUERY}/${encodeURIComponent(job)}`, job }, PACES.minimax.everyMs);

function afterLook(path: string, json: unknown): Step {
  const task = at(json, "task");
  const status = textAt(task, "status");
  if (status === "succeeded") return doneWithMedia([mediaAt(task, "content", "url")]);
  if (status === "failed" || status === "cancelled") {
    return failed(at(task, "error", "message") || status);
  }
  return ask(decodeURIComponent(path.slice(QUERY.length + 1)));
}
