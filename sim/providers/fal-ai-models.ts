import type { JsonObject } from "../json.js";
import { taskModel } from "../model-entry.js";
import type { TaskModel } from "../provider-facts.js";

export const falTasks: readonly TaskModel[] = [
  taskModel("text-to-image", "black-forest-labs/FLUX.1-dev", "fal-ai/flux/dev", {
    megapixel: "0.025",
  }),
  taskModel("text-to-image", "black-forest-labs/FLUX.1-schnell", "fal-ai/flux/schnell", {
    megapixel: "0.003",
  }),
  taskModel("image-to-image", "black-forest-labs/FLUX.1-Kontext-dev", "fal-ai/flux-kontext/dev", {
    megapixel: "0.025",
  }),
  taskModel("image-text-to-image", "black-forest-labs/FLUX.2-dev", "fal-ai/flux-2/edit", {
    megapixel: "0.012",
  }),
  taskModel("text-to-video", "tencent/HunyuanVideo", "fal-ai/hunyuan-video", { request: "0.4" }),
  taskModel("text-to-video", "Lightricks/LTX-Video", "fal-ai/ltx-video", { video_second: "0.02" }),
  taskModel("image-to-video", "Wan-AI/Wan2.2-I2V-A14B", "fal-ai/wan/v2.2-a14b/image-to-video", {
    video_second: "0.08",
  }),
  taskModel("image-text-to-video", "Lightricks/LTX-2", "fal-ai/ltx-2/image-to-video", {
    video_second: "0.06",
  }),
  taskModel("image-segmentation", "briaai/RMBG-2.0", "fal-ai/bria/background/remove", {
    image: "0.018",
  }),
  taskModel("automatic-speech-recognition", "openai/whisper-large-v3", "fal-ai/whisper", {
    compute_second: "0.00111",
  }),
  taskModel("text-to-speech", "hexgrad/Kokoro-82M", "fal-ai/kokoro/american-english", {
    million_characters: "20",
  }),
  taskModel("text-to-audio", "stabilityai/stable-audio-open-1.0", "fal-ai/stable-audio", {
    compute_second: "0.000575",
  }),
  taskModel("audio-to-audio", "ResembleAI/chatterbox", "fal-ai/chatterbox/speech-to-speech", {
    audio_minute: "0.02",
  }),
];

/** In this order: the first word in an app's id that says what it is for. */
const BY_NAME: readonly (readonly [name: RegExp, task: string])[] = [
  [/image-to-video|i2v/, "image-to-video"],
  [/video|mochi|t2v/, "text-to-video"],
  [/whisper|wizper|speech-to-text/, "automatic-speech-recognition"],
  [/speech-to-speech|audio-to-audio/, "audio-to-audio"],
  [/tts|kokoro|speech/, "text-to-speech"],
  [/audio|music/, "text-to-audio"],
  [/segment|rembg|birefnet|background/, "image-segmentation"],
  [/edit|image-to-image|kontext/, "image-text-to-image"],
];

/** What an app does: as listed, else by its name, else by what it is given. */
export function taskOfApp(app: string, body: JsonObject): string {
  const listed = falTasks.find(({ id }) => id === app);
  if (listed) return listed.task;
  // Apps that take a picture or not have the one a segment below the other.
  const deeper = falTasks.find(({ id }) => id.startsWith(`${app}/`))?.task;
  if (deeper?.startsWith("image-text-to-")) return deeper.replace("image-text-", "text-");
  const named = BY_NAME.find(([name]) => name.test(app));
  if (named) return named[1];
  if (body.audio_url !== undefined) return "automatic-speech-recognition";
  return body.image_url === undefined ? "text-to-image" : "image-to-image";
}
