import type { MediaSource } from "../tasks/media.js";
import type { Json, TaskInput } from "../tasks/task-call.js";
import { hubRepository } from "./families/hub.js";
import { askFor, ownPath, PACES } from "./families/jobs.js";
import { mediaUriOf, textOf } from "./families/task-input.js";
import { doneWithMedia, failed, mediaFrom, soundIn } from "./families/task-output.js";
import {
  bearer,
  type Provider,
  type ProviderReply,
  type Step,
  type Target,
  type TaskAdapter,
} from "./provider.js";
import { at, MalformedReply, textAt } from "./reply.js";
import { predictTime } from "./reported.js";
import { doneWith, flat, postJson } from "./request.js";

type Call = {
  readonly input: (input: TaskInput, target: Target) => Json;
  /** What a prediction's `output` comes to. */
  readonly read: (output: unknown) => Step;
};

const TASKS = {
  "text-to-image": prediction({
    input: (input, target) => ({ ...flat(input), prompt: textOf(input), ...lora(target) }),
    read: (output) => doneWithMedia(links(output)),
  }),
  "image-to-image": prediction({
    input: (input, target) => {
      const image = mediaUriOf(input, "image/jpeg");
      // Each model has its own name for it.
      const names = { image, images: [image], input_image: image, input_images: [image] };
      return { ...flat(input), ...names, ...lora(target) };
    },
    read: (output) => doneWithMedia(links(output)),
  }),
  "text-to-video": prediction({
    input: (input) => ({ ...flat(input), prompt: textOf(input) }),
    read: (output) => doneWithMedia(links(output).slice(0, 1)),
  }),
  "text-to-speech": prediction({
    input: (input) => ({ ...flat(input), text: textOf(input) }),
    read: (output) => doneWithMedia(links(output).slice(0, 1)),
  }),
  "automatic-speech-recognition": prediction({
    input: (input) => ({ ...flat(input), audio: mediaUriOf(input, "audio/wav") }),
    read: transcript,
  }),
} as const satisfies Provider["tasks"];

export const replicate = {
  id: "replicate",
  name: "Replicate",
  origin: "https://api.replicate.com",
  auth: bearer,
  keyVariable: "REPLICATE_API_TOKEN",
  needsKey: true,
  tasks: TASKS,
  routes: [
    {
      method: "POST",
      path: "/v1/models/{model}/predictions",
      tasks: Object.keys(TASKS) as (keyof typeof TASKS)[],
      given: "input",
    },
    // `version` is what follows the colon in the model's id, or the whole id.
    {
      method: "POST",
      path: "/v1/predictions",
      tasks: Object.keys(TASKS) as (keyof typeof TASKS)[],
      model: "version",
      given: "input",
    },
    { method: "GET", path: "/v1/predictions/{job}", tasks: [] },
    { method: "POST", path: "/v1/predictions/{job}/cancel", tasks: [] },
  ],
} as const satisfies Provider;

function prediction({ input: inputOf, read }: Call): TaskAdapter {
  return {
    start: (input, target) => {
      const [name, version] = target.providerModel.split(":");
      const isVersion = version !== undefined;
      const path = isVersion ? "/v1/predictions" : `/v1/models/${name}/predictions`;
      // It refuses members it does not know.
      const body = { input: inputOf(input, target), ...(isVersion && { version }) };
      // It answers once the prediction is there, or after a minute without.
      return { ...postJson(path, body), headers: { prefer: "wait" } };
    },
    next: (reply) => afterLook(reply, read),
    reported: predictTime,
  };
}

const LINKS = "/v1/predictions/";
/** Until an answer that has its output also says how long that took. */
const LAST_LOOK_MS = 250;

/**
 * `output` counts and not `status`: an answer that was waited for may have it and still say `processing`. How long it
 * took, which is what most models charge, such an answer does not say; one more look may.
 */
function afterLook(reply: ProviderReply, read: Call["read"]): Step {
  const { json, request } = reply;
  // Some speech comes as it is.
  if (json === undefined) return doneWithMedia([soundIn(reply)]);
  const status = textAt(json, "status");
  if (status === "failed" || status === "canceled") return failed(at(json, "error") || status);
  const output = at(json, "output");
  const mayTellMore = status === "processing" && request.method === "POST";
  const id = at(json, "id");
  if (!isEmpty(output) && !mayTellMore) {
    return { ...read(output), ...(typeof id === "string" && { job: id }) };
  }
  if (isEmpty(output) && status !== "starting" && status !== "processing") {
    throw new MalformedReply(`no output, though its status is ${status}`);
  }
  const path = ownPath(textAt(json, "urls", "get"), LINKS);
  const asking = { path, job: path.slice(LINKS.length) };
  if (isEmpty(output)) return askFor(asking, PACES.replicate.everyMs);
  return { ...askFor(asking, LAST_LOOK_MS), hasResult: true };
}

const isEmpty = (output: unknown): boolean =>
  output === null || output === undefined || (Array.isArray(output) && output.length === 0);

const lora = ({ modelId, loraWeights }: Target): Json =>
  loraWeights === undefined ? {} : { lora_weights: hubRepository(modelId) };

const listOf = (output: unknown): readonly unknown[] => (Array.isArray(output) ? output : [output]);

const links = (output: unknown): MediaSource[] =>
  listOf(output).map((link) => {
    if (typeof link === "string") return mediaFrom(link);
    throw new MalformedReply("an output that is no link");
  });

/** Text, a list of one, or an object whose members depend on the model: the order is the client's. */
function transcript(output: unknown): Step {
  const [first] = listOf(output);
  const text = [first, at(first, "transcription"), at(first, "translation")].find(
    (one) => typeof one === "string",
  );
  if (text !== undefined) return doneWith({ text });
  const file = at(first, "txt_file");
  if (typeof file !== "string") throw new MalformedReply("no transcript");
  return {
    kind: "done",
    output: {
      kind: "json_of_media",
      media: [mediaFrom(file)],
      toJson: (fetched) => ({ text: fetched.map(({ bytes }) => readText(bytes)).join("") }),
    },
  };
}

const readText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
