import type { MediaSource } from "../../tasks/media.js";
import type { Json, TaskInput } from "../../tasks/task-call.js";
import type { ProviderReply, Step, TaskAdapter } from "../provider.js";
import { at, listAt, MalformedReply, textAt } from "../reply.js";
import { flat, postJson } from "../request.js";

import { countedTokens } from "./openai-counts.js";
import { textOf } from "./task-input.js";
import { doneWithMedia, mediaFrom, pictureFrom } from "./task-output.js";

type Options = {
  readonly path: string;
  /** What the caller asked for, in the provider's words; as it is if not said. */
  readonly options?: (input: TaskInput) => Json;
  /** `b64_json` has other names; without any, a provider's models decide. */
  readonly format?: string;
  readonly modelName?: string;
};

/** OpenAI's `images/generations`: a picture of a text. */
export function openAiImages({ path, options = flat, format, modelName = "model" }: Options) {
  return openAiPictures((input, { providerModel }) =>
    postJson(path, {
      ...options(input),
      prompt: textOf(input),
      ...(format !== undefined && { response_format: format }),
      [modelName]: providerModel,
    }),
  );
}

/** A request to which the answer is pictures, as OpenAI gives them. */
export const openAiPictures = (start: TaskAdapter["start"]): TaskAdapter => ({
  start,
  next: (reply) => picturesIn(reply),
});

function picturesIn({ json }: ProviderReply): Step {
  // Hyperbolic has other names for both.
  const list = at(json, "data") === undefined ? listAt(json, "images") : listAt(json, "data");
  if (list.length === 0) throw new MalformedReply("no picture");
  return doneWithMedia(list.map(pictureIn), countedTokens(json));
}

function pictureIn(json: unknown): MediaSource {
  const base64 = at(json, "b64_json") ?? at(json, "image");
  if (typeof base64 === "string" && base64 !== "") return pictureFrom(base64);
  return mediaFrom(textAt(json, "url"));
}
