import { completions } from "./completions.js";
import type { Door } from "./door.js";
import { embeddings } from "./embeddings.js";
import { imageEdits, imageGenerations } from "./images.js";
import { rerank } from "./rerank.js";
import { speech } from "./speech.js";
import { transcriptions } from "./transcriptions.js";

/** Every door, by the path of its route. */
export const DOORS: Readonly<Record<string, Door>> = {
  "/v1/completions": completions,
  "/v1/embeddings": embeddings,
  "/v1/rerank": rerank,
  "/v1/images/generations": imageGenerations,
  "/v1/images/edits": imageEdits,
  "/v1/audio/speech": speech,
  "/v1/audio/transcriptions": transcriptions,
};
