import type { Json, TaskInput } from "../tasks/task-call.js";
import { askFor, PACES } from "./families/jobs.js";
import { modelList } from "./families/model-list.js";
import { openAiSpeech, openAiTranscription } from "./families/openai-audio.js";
import { openAiChat } from "./families/openai-chat.js";
import { openAiCompletions } from "./families/openai-completions.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { openAiImages, openAiPictures } from "./families/openai-images.js";
import { rerank } from "./families/rerank.js";
import { mediaUriOf, stepsOptions, textOf } from "./families/task-input.js";
import { doneWithMedia, failed, mediaAt } from "./families/task-output.js";
import { bearer, type Provider, type Step, type Target, type TaskAdapter } from "./provider.js";
import { at, textAt } from "./reply.js";
import { outputsCost } from "./reported.js";
import { modelRoute, postJson, without } from "./request.js";

const IMAGES = "/v1/images/generations";
const VIDEOS = "/v2/videos";

export const together = {
  id: "together",
  name: "Together AI",
  origin: "https://api.together.xyz",
  auth: bearer,
  keyVariable: "TOGETHER_API_KEY",
  needsKey: true,
  listing: modelList("/v1/models"),
  tasks: {
    conversational: openAiChat({
      path: "/v1/chat/completions",
      schemaForms: ["flat_schema"],
      finishReasons: { eos: "stop" },
    }),
    "text-generation": openAiCompletions("/v1/completions"),
    "feature-extraction": openAiEmbeddings("/v1/embeddings"),
    "text-ranking": rerank("/v1/rerank"),
    "text-to-image": openAiImages({ path: IMAGES, options: stepsOptions, format: "base64" }),
    "image-to-image": openAiPictures((input, target) => postJson(IMAGES, editBody(input, target))),
    "text-to-video": videos((input) => ({ ...videoOptions(input), prompt: textOf(input) })),
    "image-to-video": videos((input) => ({
      ...videoOptions(input),
      frame_images: [{ input_image: mediaUriOf(input, "image/png"), frame: "first" }],
    })),
    "text-to-speech": openAiSpeech({
      path: "/v1/audio/speech",
      // It must have a voice, and only these models' is known.
      defaults: ({ providerModel }) => (/kokoro/i.test(providerModel) ? { voice: "af_alloy" } : {}),
    }),
    "automatic-speech-recognition": openAiTranscription({
      path: "/v1/audio/transcriptions",
      fetches: true,
    }),
  },
  routes: [
    modelRoute("/v1/completions", "text-generation"),
    modelRoute("/v1/embeddings", "feature-extraction"),
    modelRoute("/v1/rerank", "text-ranking"),
    modelRoute(IMAGES, "text-to-image", "image-to-image"),
    modelRoute(VIDEOS, "text-to-video", "image-to-video"),
    { method: "GET", path: `${VIDEOS}/{job}`, tasks: [] },
    modelRoute("/v1/audio/speech", "text-to-speech"),
    modelRoute("/v1/audio/transcriptions", "automatic-speech-recognition"),
  ],
} as const satisfies Provider;

/** FLUX.1 Kontext takes `image_url` and nothing else, Google's models and FLUX.2 [dev] only the other. */
function editBody(input: TaskInput, { providerModel }: Target): Json {
  const image = mediaUriOf(input, "image/jpeg");
  const isKontext = /kontext/i.test(providerModel) && /flux\.1/i.test(providerModel);
  return {
    prompt: "",
    ...(isKontext ? { image_url: image } : { reference_images: [image] }),
    ...stepsOptions(input),
    response_format: "base64",
    model: providerModel,
  };
}

function videoOptions(input: TaskInput): Json {
  const { target_size: size } = input.parameters;
  const options = without(stepsOptions(input), "target_size");
  const [width, height] = [at(size, "width"), at(size, "height")];
  return {
    ...options,
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
  };
}

function videos(bodyOf: (input: TaskInput) => Json): TaskAdapter {
  return {
    start: (input, { providerModel }) =>
      postJson(VIDEOS, { ...bodyOf(input), model: providerModel }),
    next: ({ json }) => afterLook(json),
    reported: outputsCost,
  };
}

function afterLook(json: unknown): Step {
  const status = at(json, "status") ?? "queued";
  if (status === "queued" || status === "in_progress") {
    const job = textAt(json, "id");
    const path = `${VIDEOS}/${encodeURIComponent(job)}`;
    return askFor({ path, job }, PACES.together.everyMs);
  }
  if (status === "completed") return doneWithMedia([mediaAt(json, "outputs", "video_url")]);
  return failed(at(json, "error") ?? status);
}
