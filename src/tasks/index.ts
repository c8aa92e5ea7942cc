/** The tasks a mapping can be for, by the names the Hub uses. */
export const TASKS = [
  "conversational",
  "text-generation",
  "feature-extraction",
  "text-ranking",
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
  // The rest is served by hf-inference and what speaks its wire.
  "sentence-similarity",
  "text-classification",
  "token-classification",
  "zero-shot-classification",
  "question-answering",
  "table-question-answering",
  "fill-mask",
  "summarization",
  "translation",
  "audio-classification",
  "image-classification",
  "object-detection",
  "zero-shot-image-classification",
  "document-question-answering",
  "visual-question-answering",
  "tabular-classification",
  "tabular-regression",
] as const;

export type Task = (typeof TASKS)[number];

/** What providers' lists of models are of, whatever else they have. */
export const TOKEN_TASKS: readonly Task[] = ["conversational", "text-generation"];

/** The same models serve both: one task answers the numbers, the other compares them. */
export const EMBEDDINGS: readonly Task[] = ["feature-extraction", "sentence-similarity"];
