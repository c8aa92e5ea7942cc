/** The tasks a mapping can be for, by the names the Hub uses. */
export const TASKS = [
  "conversational",
  "text-generation",
  "feature-extraction",
  "text-to-image",
  "image-to-image",
  "image-text-to-image",
  "text-to-video",
  "image-to-video",
  "image-text-to-video",
  "image-segmentation",
  "automatic-speech-recognition",
  "text-to-speech",
  "text-to-audio",
  "audio-to-audio",
  "image-to-text",
] as const;

export type Task = (typeof TASKS)[number];
