import { openAiImages } from "../families/openai-images.js";
import {
  openAiSpeech,
  openAiTranscriptions,
  verboseTranscript,
} from "../families/openai-speech.js";
import { taskModel } from "../model-entry.js";
import type { Endpoint } from "../provider.js";
import type { TaskModel } from "../provider-facts.js";

export const deepinfraTasks: readonly TaskModel[] = [
  taskModel(
    "text-to-image",
    "black-forest-labs/FLUX.1-schnell",
    "black-forest-labs/FLUX-1-schnell",
    { image: "0.0005" },
  ),
  taskModel("automatic-speech-recognition", "openai/whisper-large-v3", "openai/whisper-large-v3", {
    audio_minute: "0.00045",
  }),
  taskModel("text-to-speech", "hexgrad/Kokoro-82M", "hexgrad/Kokoro-82M", {
    million_characters: "0.62",
  }),
];

/** DeepInfra's media: no recordings, OpenAI's form as its reference says. */
export const deepinfraMedia: readonly Endpoint[] = [
  openAiImages({
    path: "/v1/openai/images/generations",
    size: { width: 1024, height: 1024 },
    format: "jpeg",
    forms: { b64_json: "b64_json", url: "url" },
  }),
  openAiSpeech({
    path: "/v1/openai/audio/speech",
    formats: { mp3: "mp3", opus: "opus", flac: "flac", wav: "wav", pcm: "pcm" },
    voice: "optional",
  }),
  openAiTranscriptions({
    path: "/v1/openai/audio/transcriptions",
    plain: verboseTranscript,
  }),
];
