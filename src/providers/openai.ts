import type { Json, TaskInput } from "../tasks/task-call.js";
import { formOf } from "./families/form.js";
import { modelList } from "./families/model-list.js";
import { openAiSpeech, openAiTranscription } from "./families/openai-audio.js";
import { openAiChat } from "./families/openai-chat.js";
import { openAiEmbeddings } from "./families/openai-embeddings.js";
import { openAiImages, openAiPictures } from "./families/openai-images.js";
import { mediaOf, neededPromptOf, sizeIn, withSize } from "./families/task-input.js";
import { bearer, type Provider, type ProviderRequest, type Target } from "./provider.js";
import { flat, modelRoute, without } from "./request.js";

const GENERATIONS = "/v1/images/generations";
const EDITS = "/v1/images/edits";
const SPEECH = "/v1/audio/speech";
const TRANSCRIPTIONS = "/v1/audio/transcriptions";

/** Source of all but chat, for which Hugging Face's clients have no example: OpenAI's API reference. */
export const openai = {
  id: "openai",
  name: "OpenAI",
  origin: "https://api.openai.com",
  auth: bearer,
  keyVariable: "OPENAI_API_KEY",
  needsKey: true,
  listing: modelList("/v1/models"),
  tasks: {
    conversational: openAiChat({
      path: "/v1/chat/completions",
      // The reasoning models refuse `max_tokens`; all models take its successor.
      maxTokensName: "max_completion_tokens",
    }),
    "feature-extraction": openAiEmbeddings("/v1/embeddings"),
    // Its newer models know no `response_format` and always answer base64; the older ones answer links.
    "text-to-image": openAiImages({ path: GENERATIONS, options: imageOptions }),
    "image-to-image": openAiPictures(edit),
    "text-to-speech": openAiSpeech({ path: SPEECH, voice: "alloy" }),
    "automatic-speech-recognition": openAiTranscription({
      path: TRANSCRIPTIONS,
      options: transcriptOptions,
    }),
  },
  routes: [
    modelRoute("/v1/embeddings", "feature-extraction"),
    modelRoute(GENERATIONS, "text-to-image"),
    modelRoute(EDITS, "image-to-image"),
    modelRoute(SPEECH, "text-to-speech"),
    modelRoute(TRANSCRIPTIONS, "automatic-speech-recognition"),
  ],
} as const satisfies Provider;

/** It refuses by name what it does not know, so all else passes. */
function imageOptions(input: TaskInput): Json {
  const options = flat(input);
  const { target_size: target } = options;
  const size = sizeIn(target) ? { ...(target as Json) } : {};
  return without(withSize({ ...size, ...options }), "width", "height", "target_size");
}

function edit(input: TaskInput, { providerModel }: Target): ProviderRequest {
  const media = mediaOf(input);
  const prompt = neededPromptOf(input);
  const ending = /^image\/(jpeg|webp)/.exec(media.type)?.[1] ?? "png";
  return formOf(
    EDITS,
    { name: "image", media, fileName: `image.${ending}` },
    { ...imageOptions(input), prompt, model: providerModel },
  );
}

/** The Hub's word for times in a transcript: `true`, or `"word"` for those of single words. */
function transcriptOptions(input: TaskInput): Json {
  const { return_timestamps: times, ...options } = flat(input);
  if (times === undefined || times === null || times === false) return options;
  const words = times === "word" && { "timestamp_granularities[]": "word" };
  return { response_format: "verbose_json", ...words, ...options };
}
