import { isString, type JsonObject } from "../json.js";
import { taskModel } from "../model-entry.js";
import type { TaskModel } from "../provider-facts.js";

/** Those with a version in their id are called by it alone, as the recordings of 2025 show. */
export const replicateTasks: readonly TaskModel[] = [
  taskModel("text-to-image", "black-forest-labs/FLUX.1-schnell", "black-forest-labs/flux-schnell", {
    image: "0.003",
  }),
  taskModel("text-to-image", "black-forest-labs/FLUX.1-dev", "black-forest-labs/flux-dev", {
    compute_second: "0.000975",
    hardware: "gpu-a100-large",
  }),
  taskModel(
    "text-to-image",
    "ByteDance/SDXL-Lightning",
    "bytedance/sdxl-lightning-4step:5599ed30703defd1d160a25a63321b4dec97101d98b4674bcc56e41f62f35637",
    { compute_second: "0.000975", hardware: "gpu-a100-large" },
  ),
  taskModel(
    "image-to-image",
    "black-forest-labs/FLUX.1-Kontext-dev",
    "black-forest-labs/flux-kontext-dev",
    { image: "0.025" },
  ),
  taskModel(
    "text-to-video",
    "genmo/mochi-1-preview",
    "genmoai/mochi-1:1944af04d098ef69bed7f9d335d102e652203f268ec4aaa2d836f6217217e460",
    { compute_second: "0.001525", hardware: "gpu-h100" },
  ),
  taskModel(
    "text-to-speech",
    "hexgrad/Kokoro-82M",
    "jaaari/kokoro-82m:dfdf537ba482b029e0a761699e6f55e9162cfd159270bfe0e44857caa5f275a6",
    { compute_second: "0.000225", hardware: "gpu-t4" },
  ),
  taskModel(
    "automatic-speech-recognition",
    "openai/whisper-large-v3",
    "openai/whisper:8099696689d249cf8b122d833c36ac3f75505c666a395ca40ef26f68e7d3d16e",
    { compute_second: "0.000225", hardware: "gpu-t4" },
  ),
];

/** Without a version: the id of its own that Replicate gives an official model's deployment. */
export type Model = { readonly id: string; readonly name: string; readonly version: string };

/** The model of a version hash, of `owner/name`, or of both. */
export function modelOfVersion(version: string): Model {
  const hash = version.split(":").at(-1) ?? version;
  const listed = replicateTasks.find(({ id }) => id === version || id.endsWith(`:${hash}`));
  const id = listed?.id ?? version;
  return { id, name: id.split(":")[0] ?? id, version: hash };
}

/** What a model does: as listed, else by what it is given. */
export function taskOfModel(id: string, input: JsonObject): string {
  const listed = replicateTasks.find((one) => one.id === id);
  if (listed) return listed.task;
  if (input.audio !== undefined) return "automatic-speech-recognition";
  if (/video/.test(id) || input.num_frames !== undefined) return "text-to-video";
  if (isString(input.text)) return "text-to-speech";
  return input.image === undefined && input.input_image === undefined
    ? "text-to-image"
    : "image-to-image";
}

/** What the input of a listed model must have; of others nothing is known. */
const NEEDS: { readonly [task: string]: string } = {
  "text-to-image": "prompt",
  "image-to-image": "prompt",
  "text-to-video": "prompt",
  "text-to-speech": "text",
  "automatic-speech-recognition": "audio",
};

export function missingIn(id: string, input: JsonObject): string | undefined {
  const listed = replicateTasks.find((one) => one.id === id);
  const need = listed && NEEDS[listed.task];
  return need !== undefined && input[need] === undefined ? need : undefined;
}
