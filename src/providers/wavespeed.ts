import { type MediaSource, toBase64 } from "../tasks/media.js";
import type { Json, TaskInput } from "../tasks/task-call.js";
import { askFor, ownPath, PACES } from "./families/jobs.js";
import { hasMedia, mediaUriOf, neededPromptOf, promptOf, textOf } from "./families/task-input.js";
import { doneWithMedia, failed, mediaFrom } from "./families/task-output.js";
import { bearer, type Provider, type Step, type Target, type TaskAdapter } from "./provider.js";
import { at, listAt, MalformedReply, textAt } from "./reply.js";
import { flat, postJson, without } from "./request.js";

const TASKS = {
  "text-to-image": prediction(fromText),
  "text-to-video": prediction(fromText),
  "image-to-image": prediction(fromImage),
  "image-to-video": prediction(fromImage),
  "image-text-to-image": prediction(perhapsImage),
  "image-text-to-video": prediction(perhapsImage),
} as const satisfies Provider["tasks"];

/** Source of the states: @huggingface/inference 4.13.30, src/providers/wavespeed.ts. */
export const wavespeed = {
  id: "wavespeed",
  name: "WaveSpeedAI",
  origin: "https://api.wavespeed.ai",
  auth: bearer,
  keyVariable: "WAVESPEED_API_KEY",
  needsKey: true,
  tasks: TASKS,
  routes: [
    {
      method: "POST",
      path: "/api/v3/{model}",
      tasks: Object.keys(TASKS) as (keyof typeof TASKS)[],
    },
    { method: "GET", path: "/api/v3/predictions/{job}/result", tasks: [] },
  ],
} as const satisfies Provider;

type Body = (input: TaskInput) => Json;

function prediction(bodyOf: Body): TaskAdapter {
  return {
    start: (input, target) =>
      postJson(`/api/v3/${target.providerModel}`, { ...bodyOf(input), ...lora(target) }),
    next: ({ request, json }) => {
      const data = at(json, "data");
      return afterLook(data, () => (request.method === "POST" ? pathIn(data) : request.path));
    },
  };
}

/** It finds the weights itself. */
const lora = ({ modelId, loraWeights }: Target): Json =>
  loraWeights === undefined ? {} : { loras: [{ path: modelId, scale: 1 }] };

const options = (input: TaskInput): Json =>
  flat({ ...input, parameters: without(input.parameters, "images") });

function fromText(input: TaskInput): Json {
  return { ...options(input), prompt: textOf(input) };
}

function fromImage(input: TaskInput): Json {
  const prompt = promptOf(input);
  return withImage(input, prompt, input.media ? toBase64(input.media) : mediaUriOf(input, ""));
}

/** One clear pixel: all its models here want a picture, also where there is none. */
const NOTHING =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=";

function perhapsImage(input: TaskInput): Json {
  return hasMedia(input) ? fromImage(input) : withImage(input, neededPromptOf(input), NOTHING);
}

/** Its models differ in which of the two they read. */
function withImage(input: TaskInput, prompt: string | undefined, image: string): Json {
  const own = input.extra.images ?? input.parameters.images;
  const isOwn = Array.isArray(own) && own.every((one) => typeof one === "string");
  const images = isOwn ? own : [image];
  return { ...options(input), ...(prompt !== undefined && { prompt }), image, images };
}

const PREDICTIONS = "/api/v3/predictions/";

const pathIn = (data: unknown): string => ownPath(textAt(data, "urls", "get"), PREDICTIONS);

/** The path is asked for where it is needed: an answer that was waited for may have none. */
function afterLook(data: unknown, pathOf: () => string): Step {
  const status = at(data, "status");
  if (status === "completed") {
    const id = at(data, "id");
    return { ...doneWithMedia(outputsIn(data)), ...(typeof id === "string" && { job: id }) };
  }
  if (status === "failed") return failed(at(data, "error"));
  // `created` and `processing`; the clients wait whatever else it is.
  const path = pathOf();
  const [job = ""] = path.slice(PREDICTIONS.length).split("/");
  return askFor({ path, job }, PACES.wavespeed.everyMs);
}

function outputsIn(data: unknown): MediaSource[] {
  const outputs = listAt(data, "outputs");
  if (outputs.length === 0) throw new MalformedReply("no output");
  return outputs.map((_, i) => mediaFrom(textAt(outputs, i)));
}
