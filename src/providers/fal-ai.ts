import { RouterError } from "../kernel/errors.js";
import { type Media, toBase64, toDataUri } from "../tasks/media.js";
import type { Json, TaskInput, TaskOutput } from "../tasks/task-call.js";
import { falQueued, falSync } from "./families/fal-jobs.js";
import { hubFile } from "./families/hub.js";
import {
  hasMedia,
  isTyped,
  mediaOf,
  mediaUriOf,
  neededPromptOf,
  sizeIn,
  textOf,
} from "./families/task-input.js";
import { mediaAt, transcriptOf } from "./families/task-output.js";
import type { Provider, Target } from "./provider.js";
import { at, listAt, MalformedReply } from "./reply.js";
import { flat } from "./request.js";

const TASKS = {
  "text-to-image": falQueued({
    body: (input, target) => ({
      ...sized(flat(input), flat(input)),
      prompt: textOf(input),
      ...loras(target),
      // The app for LoRAs of any base model must be told which.
      ...(target.loraWeights !== undefined &&
        target.providerModel === "fal-ai/lora" && {
          model_name: "stabilityai/stable-diffusion-xl-base-1.0",
        }),
    }),
    read: pictures,
  }),
  "image-to-image": falQueued({ body: imageBody, read: pictures }),
  "image-text-to-image": falQueued({ body: perhapsImage(imageBody), read: pictures, path }),
  "text-to-video": falQueued({
    body: (input, target) => ({ ...flat(input), prompt: textOf(input), ...loras(target) }),
    read: film,
  }),
  "image-to-video": falQueued({ body: videoBody, read: film }),
  "image-text-to-video": falQueued({ body: perhapsImage(videoBody), read: film, path }),
  "image-segmentation": falQueued({
    body: (input) => ({ ...flat(input), image_url: image(input), sync_mode: true }),
    read: mask,
  }),
  "automatic-speech-recognition": falSync({
    body: (input) => ({ audio_url: sound(input), ...flat(input) }),
    read: (json) => ({ kind: "json", json: transcriptOf(json) }),
  }),
  "text-to-speech": falSync({
    body: (input) => ({ ...flat(input), text: textOf(input) }),
    read: (json) => media(mediaAt(json, "audio", "url")),
  }),
  "text-to-audio": falQueued({
    body: (input) => ({ ...flat(input), prompt: textOf(input) }),
    read: (json) => media(mediaAt(json, at(json, "audio_file") ? "audio_file" : "audio", "url")),
  }),
  "audio-to-audio": falQueued({
    body: (input) => ({ ...flat(input), audio_url: sound(input) }),
    read: newSound,
  }),
} as const satisfies Provider["tasks"];

export const falAi = {
  id: "fal-ai",
  name: "fal",
  origin: "https://fal.run",
  hosts: { queue: "https://queue.fal.run" },
  // The client's `proxyUrl`.
  targetHeader: "x-fal-target-url",
  auth: { header: "authorization", scheme: "Key" },
  keyVariable: "FAL_KEY",
  needsKey: true,
  requestIdHeader: "x-fal-request-id",
  tasks: TASKS,
  routes: [
    { method: "POST", path: "/{model}", tasks: Object.keys(TASKS) as (keyof typeof TASKS)[] },
    // An app's jobs are under its owner and name, without the rest of its path.
    { method: "GET", path: "/*/*/requests/{job}/status", host: "queue", tasks: [] },
    { method: "GET", path: "/*/*/requests/{job}/status/stream", host: "queue", tasks: [] },
    { method: "GET", path: "/*/*/requests/{job}", host: "queue", tasks: [] },
    { method: "PUT", path: "/*/*/requests/{job}/cancel", host: "queue", tasks: [] },
  ],
} as const satisfies Provider;

const image = (input: TaskInput): string => mediaUriOf(input, "image/png");

function imageBody(input: TaskInput, target: Target): Json {
  const url = image(input);
  const { target_size: size } = input.parameters;
  // FLUX.2 reads the list, others the first.
  return { ...sized(flat(input), size), image_url: url, image_urls: [url], ...loras(target) };
}

function videoBody(input: TaskInput, target: Target): Json {
  return { ...flat(input), image_url: image(input), ...loras(target) };
}

type Body = (input: TaskInput, target: Target) => Json;

function perhapsImage(body: Body): Body {
  return (input, target) =>
    hasMedia(input)
      ? body(input, target)
      : { ...flat(input), prompt: neededPromptOf(input), ...loras(target) };
}

/**
 * Some apps take a picture one segment deeper than text alone: `fal-ai/flux-2` and `fal-ai/flux-2/edit`. What is mapped
 * is the deeper one. An app has an owner and a name at least. As in the client's providers/fal-ai.ts.
 */
function path(input: TaskInput, { providerModel }: Target): string {
  const segments = providerModel.split("/");
  const kept = hasMedia(input) || segments.length < 3 ? segments : segments.slice(0, -1);
  return `/${kept.join("/")}`;
}

/** fal looks at `image_size` only; Python's client fills it, JavaScript's does not. */
function sized(json: Json, value: unknown): Json {
  const size = sizeIn(value);
  return size ? { image_size: size, ...json } : json;
}

const loras = ({ modelId, loraWeights }: Target): Json =>
  loraWeights === undefined ? {} : { loras: [{ path: hubFile(modelId, loraWeights), scale: 1 }] };

/**
 * fal makes a file name of the type that a data URI states, and refuses what it has no ending for: the same sound may
 * need another label. As tried on fal-ai/whisper by the authors of the client.
 */
const LABELS: Readonly<Record<string, string>> = {
  "audio/mpeg": "audio/mpeg",
  "audio/mp3": "audio/mpeg",
  "audio/wav": "audio/x-wav",
  "audio/wave": "audio/x-wav",
  "audio/x-wav": "audio/x-wav",
  "audio/webm": "video/webm",
  "video/webm": "video/webm",
};

function sound(input: TaskInput): string {
  if (!input.media) return mediaUriOf(input, "");
  const { bytes, type } = mediaOf(input);
  const label = LABELS[(type.split(";")[0] ?? "").trim().toLowerCase()];
  if (label) return toDataUri({ bytes, type: label });
  const said = isTyped(input.media) ? type : "sound of unstated type";
  throw new RouterError(
    "unsupported_parameter",
    `fal-ai cannot read ${said}; it reads ${Object.keys(LABELS).join(", ")}.`,
    { param: "inputs" },
  );
}

const media = (...sources: readonly ReturnType<typeof mediaAt>[]): TaskOutput => ({
  kind: "media",
  media: sources,
});

function pictures(json: unknown): TaskOutput {
  const images = listAt(json, "images");
  if (images.length === 0) throw new MalformedReply("no picture");
  return media(...images.map((one) => mediaAt(one, "url")));
}

function film(json: unknown): TaskOutput {
  return media(mediaAt(json, "video", "url"));
}

/** It has no labels and no scores; these are the client's. */
function mask(json: unknown): TaskOutput {
  return {
    kind: "json_of_media",
    media: [mediaAt(json, "image", "url")],
    toJson: (fetched) => fetched.map((one) => ({ label: "mask", score: 1, mask: toBase64(one) })),
  };
}

function newSound(json: unknown): TaskOutput {
  const label = at(json, "text") || "speech";
  const stated = at(json, "audio", "content_type");
  const typeOf = ({ type }: Media): unknown => stated || type || "audio/wav";
  return {
    kind: "json_of_media",
    media: [mediaAt(json, "audio", "url")],
    toJson: (fetched) =>
      fetched.map((one) => ({ blob: toBase64(one), "content-type": typeOf(one), label })),
  };
}
