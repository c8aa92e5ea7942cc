import type { Task } from "../tasks/index.js";
import { isThere } from "../tasks/media.js";
import type { Delivered } from "../tasks/task-call.js";
import type { DoorAnswer } from "./doors/door.js";
import { unreadable } from "./doors/print.js";

/** A task's answer in Hugging Face's form: a file as it is, JSON as hf-inference writes it. */
export function taskAnswer(task: Task, delivered: Delivered, userAgent: string | null): DoorAnswer {
  if (delivered.kind === "media") {
    const [media] = delivered.media;
    if (!media || !isThere(media)) throw unreadable("it holds no file");
    return { type: media.type, body: media.bytes };
  }
  const json = task === "image-to-text" ? textOfImage(delivered.json, userAgent) : delivered.json;
  return { type: "application/json", body: JSON.stringify(json) };
}

/** Hugging Face's JavaScript client wants an object where its Python client and every recorded answer have a list. */
function textOfImage(json: unknown, userAgent: string | null): unknown {
  const list = Array.isArray(json) ? json : [json];
  return userAgent?.includes("@huggingface/inference/") ? list[0] : list;
}
