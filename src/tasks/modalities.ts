/** What goes into a task and what comes out of it, in the words of model lists. */
import type { Task } from "./index.js";

export const MODALITIES = ["text", "image", "audio", "video", "embeddings"] as const;

export type Modality = (typeof MODALITIES)[number];

export type Modalities = {
  readonly input: readonly Modality[];
  readonly output: readonly Modality[];
};

const TEXT: Modalities = { input: ["text"], output: ["text"] };
const LOOKING: Modalities = { input: ["image"], output: ["text"] };
const ASKING: Modalities = { input: ["image", "text"], output: ["text"] };
const EMBEDDING: Modalities = { input: ["text"], output: ["embeddings"] };
const SPEAKING: Modalities = { input: ["text"], output: ["audio"] };
const HEARING: Modalities = { input: ["audio"], output: ["text"] };

/** All others are text on both sides. */
const OTHERS: { readonly [T in Task]?: Modalities } = {
  "feature-extraction": EMBEDDING,
  "text-to-image": { input: ["text"], output: ["image"] },
  "image-to-image": { input: ["image", "text"], output: ["image"] },
  "image-text-to-image": { input: ["image", "text"], output: ["image"] },
  "text-to-video": { input: ["text"], output: ["video"] },
  "image-to-video": { input: ["image", "text"], output: ["video"] },
  "image-text-to-video": { input: ["image", "text"], output: ["video"] },
  "image-segmentation": { input: ["image"], output: ["image"] },
  "automatic-speech-recognition": HEARING,
  "audio-classification": HEARING,
  "text-to-speech": SPEAKING,
  "text-to-audio": SPEAKING,
  "audio-to-audio": { input: ["audio"], output: ["audio"] },
  "image-to-text": LOOKING,
  "image-classification": LOOKING,
  "object-detection": LOOKING,
  "zero-shot-image-classification": ASKING,
  "document-question-answering": ASKING,
  "visual-question-answering": ASKING,
};

export const modalitiesOf = (task: Task): Modalities => OTHERS[task] ?? TEXT;
