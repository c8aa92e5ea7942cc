import { openAiImages } from "../families/openai-images.js";
import { openAiSpeech, openAiTranscriptions, segmentsOf } from "../families/openai-speech.js";
import { isObject, type Json } from "../json.js";
import { link, makeFilm } from "../media/make.js";
import { taskModel } from "../model-entry.js";
import type { Endpoint } from "../provider.js";
import type { TaskModel } from "../provider-facts.js";
import { badRequest, type TaskAnswer, unlogged } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import { sizeOfInput } from "../task/draw.js";
import type { Job } from "../task/job.js";
import { outputOf, poll, reasonOf, submit, wordFor } from "../task/jobs.js";
import { filmLengthIn, sizeIn } from "../task/read.js";
import { simulatedNow, workSeconds } from "../task/worked.js";
import { costOfUnits } from "../units.js";

export const togetherTasks: readonly TaskModel[] = [
  taskModel(
    "text-to-image",
    "black-forest-labs/FLUX.1-schnell",
    "black-forest-labs/FLUX.1-schnell",
    {
      megapixel: "0.0027",
    },
  ),
  taskModel(
    "image-to-image",
    "black-forest-labs/FLUX.1-Kontext-dev",
    "black-forest-labs/FLUX.1-kontext-dev",
    {
      megapixel: "0.025",
    },
  ),
  taskModel("text-to-video", "MiniMaxAI/Hailuo-02", "minimax/hailuo-02", { video_second: "0.049" }),
  taskModel("image-to-video", "Wan-AI/Wan2.2-I2V-A14B", "Wan-AI/Wan2.2-I2V-A14B", {
    video_second: "0.062",
  }),
  taskModel("text-to-speech", "hexgrad/Kokoro-82M", "hexgrad/Kokoro-82M", {
    million_characters: "4",
  }),
  taskModel("automatic-speech-recognition", "openai/whisper-large-v3", "openai/whisper-large-v3", {
    audio_minute: "0.0015",
  }),
];

const SQUARE = { width: 1024, height: 1024 };
const WIDE = { width: 1366, height: 768 };
const SECONDS = 5;
/** As Hugging Face's clients know it; longer data URIs are refused. */
const INPUT_IMAGE_CHARS_MAX = 61_440;

/** A picture to start from is given as a data URI or URL in one of two fields, depending on the model. */
function refuseImages(ask: TaskAsk): TaskAnswer | undefined {
  if (ask.model === "") return badRequest("model", "Invalid request");
  const { image_url: url, reference_images: references } = ask.json;
  const [given] = Array.isArray(references) ? references : [url];
  if (given === undefined || sizeOfInput(ask, given, SQUARE)) return undefined;
  return badRequest("image_url", "Failed to load the image");
}

const videoTask = (ask: TaskAsk): string =>
  Array.isArray(ask.json.frame_images) ? "image-to-video" : "text-to-video";

function submitVideo(ask: TaskAsk): TaskAnswer {
  const { json, model } = ask;
  if (model === "") return badRequest("model", "Invalid request");
  const [frame] = Array.isArray(json.frame_images) ? json.frame_images : [];
  if (frame !== undefined) {
    const image = isObject(frame) ? frame.input_image : undefined;
    if (String(image).length > INPUT_IMAGE_CHARS_MAX) {
      return badRequest("frame_images", "input_image is too long");
    }
    if (!sizeOfInput(ask, image, WIDE)) return badRequest("frame_images", "not an image");
  } else if (!json.prompt) return badRequest("prompt", "Invalid request");
  const size = sizeIn(json, WIDE);
  if (!size) return badRequest("width", "Invalid request");
  const task = videoTask(ask);
  const film = makeFilm(ask, size, filmLengthIn(json, SECONDS));
  const units = { videoSeconds: film.seconds };
  const price = ask.call.state.unitPriceOf(ask.call.provider, model, task);
  const about = {
    object: "video",
    model,
    created_at: simulatedNow(ask.call),
    size: `${size.width}x${size.height}`,
    seconds: String(film.seconds),
  };
  const output = {
    about,
    outputs: {
      video_url: link(ask, film, "video"),
      cost: Number(costOfUnits(units, price)) / 1e9,
    },
    completed_at: simulatedNow(ask.call) + Math.ceil(workSeconds(units)),
  };
  const job = submit(ask, { id: ask.call.requestId, model, task, units, output });
  return unlogged({ id: job.id, ...about, status: "queued" }, { task });
}

const WORDS = {
  queued: "queued",
  running: "in_progress",
  succeeded: "completed",
  failed: "failed",
  canceled: "cancelled",
};

function video(ask: TaskAsk, job: Job): Json {
  const { about, outputs, completed_at } = isObject(job.output) ? job.output : {};
  const status = wordFor(ask, job, WORDS);
  const head = { id: job.id, ...(isObject(about) ? about : {}), status };
  if (job.phase === "failed") return { ...head, error: { message: reasonOf(job), code: "failed" } };
  if (job.phase !== "succeeded") return head;
  return { ...head, completed_at, outputs: outputOf(job) && outputs };
}

/**
 * Together's media. Images as on recordings of 2025-02; videos, speech and transcriptions as its SDK of 2026
 * types them.
 */
export const togetherMedia: readonly Endpoint[] = [
  openAiImages({
    path: "/v1/images/generations",
    size: SQUARE,
    format: "jpeg",
    forms: { url: "url", base64: "b64_json" },
    refuse: refuseImages,
    task: ({ json }) =>
      json.image_url || json.reference_images ? "image-to-image" : "text-to-image",
    entry: (picture, index, { units }) => ({
      timings: { inference: Math.round(workSeconds(units) * 1000) },
      index,
      type: "b64_json" in picture ? "b64_json" : "url",
      ...picture,
    }),
    whole: (data, { call, model }) => ({ id: call.requestId, model, object: "list", data }),
  }),
  {
    kind: "task",
    method: "POST",
    path: "/v2/videos",
    task: "text-to-video",
    answer: submitVideo,
  },
  {
    kind: "task",
    method: "GET",
    path: "/v2/videos/{id}",
    task: "text-to-video",
    answer(ask) {
      const job = poll(ask, ask.params.id ?? "");
      return "refused" in job ? job : unlogged(video(ask, job));
    },
  },
  openAiSpeech({
    path: "/v1/audio/speech",
    formats: { wav: "wav", mp3: "mp3", raw: "pcm" },
    voice: "required",
  }),
  openAiTranscriptions({
    path: "/v1/audio/transcriptions",
    urls: true,
    plain: ({ text }) => ({ text }),
    verbose: (transcript) => ({
      task: "transcribe",
      language: "en",
      duration: transcript.seconds,
      text: transcript.text,
      segments: segmentsOf(transcript),
    }),
  }),
];
