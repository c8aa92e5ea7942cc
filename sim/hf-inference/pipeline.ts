import type { Failure } from "../failure.js";
import type { Json, JsonObject } from "../json.js";
import type { Media } from "../media/make.js";
import type { Refused } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import type { Units } from "../units.js";

/** One call of a pipeline, whichever of the two request forms it came in. */
export type Given = {
  readonly ask: TaskAsk;
  /** Of the JSON body; undefined where the body is the file itself. */
  readonly inputs: Json | undefined;
  /** Those of the JSON body, or none. */
  readonly parameters: JsonObject;
  /** The body where it is not JSON. */
  readonly bytes: Uint8Array | undefined;
};

export type Made = {
  readonly body: { readonly json: Json } | { readonly media: Media };
  /** Beside the seconds of work, which are counted for all. */
  readonly units?: Units;
};

/** One task of hf-inference: a pure function of what it was given. */
export type Pipeline = (given: Given) => Made | Refused;

export const says = (json: Json, units?: Units): Made =>
  units ? { body: { json }, units } : { body: { json } };

const badRequest = (about: string, message: string): Refused => ({
  refused: { kind: "bad_request", about, message } satisfies Failure,
});

/** The validator's complaint: a list of errors, each with the place. */
export const required = (place: string): Refused => badRequest(place, FIELD_REQUIRED);
export const FIELD_REQUIRED = "field required";

/** The pipeline's own exception, which the real one prints twice. */
export const failed = (message: string): Refused => badRequest(PIPELINE, message);
export const PIPELINE = "pipeline";
