/** One call of a task other than chat, in the form that Hugging Face's clients and hub use. */
import type { Media, MediaSource, Upload } from "./media.js";

export type Json = Readonly<Record<string, unknown>>;

export type TaskInput = {
  /** `inputs`: text, a list of texts, an object. Undefined where it was a picture or a sound. */
  readonly inputs: unknown;
  /** The picture or sound that `inputs` held, whichever way it was sent. */
  readonly media: Media | undefined;
  /** The same where it is passed on as it comes, and nobody here sees it whole. */
  readonly upload?: Upload;
  readonly parameters: Json;
  /** What stood beside `inputs` and `parameters`. */
  readonly extra: Json;
};

/** What a task came to. JSON is in the shape in which hf-inference answers the task. */
export type TaskOutput =
  | { readonly kind: "json"; readonly json: unknown }
  | { readonly kind: "media"; readonly media: readonly MediaSource[] }
  /** JSON that cannot be written before some media are fetched. */
  | {
      readonly kind: "json_of_media";
      readonly media: readonly MediaSource[];
      readonly toJson: (media: readonly Media[]) => unknown;
    };

/** An output with its media there, but for URLs that the caller wanted as URLs. */
export type Delivered =
  | { readonly kind: "json"; readonly json: unknown }
  | { readonly kind: "media"; readonly media: readonly MediaSource[] };
