/** What a call of a task brings, in the forms that providers want it in. */
import { badRequest, RouterError } from "../../kernel/errors.js";
import { type Media, toDataUri } from "../../tasks/media.js";
import type { Json, TaskInput } from "../../tasks/task-call.js";

export function textOf({ inputs }: TaskInput): string {
  if (typeof inputs === "string") return inputs;
  throw badRequest("`inputs` must be text.", "inputs");
}

const isUrl = (value: unknown): value is string =>
  typeof value === "string" && /^https?:\/\//i.test(value);

export const hasMedia = ({ inputs, media }: TaskInput): boolean =>
  media !== undefined || isUrl(inputs);

/** What to make of a picture; the Hub's form has it among the parameters, some callers in `inputs`. */
export function promptOf(input: TaskInput): string | undefined {
  const { prompt } = input.parameters;
  if (typeof prompt === "string") return prompt;
  return typeof input.inputs === "string" && !hasMedia(input) ? input.inputs : undefined;
}

/** A call without a picture has its text in one place. */
export function neededPromptOf(input: TaskInput): string {
  const prompt = promptOf(input);
  const isText = input.inputs === undefined || input.inputs === prompt;
  if (!hasMedia(input) && !isText) throw noMedia();
  if (prompt?.trim()) return prompt;
  throw badRequest("`parameters.prompt` must say what to make of it.", "parameters.prompt");
}

/** The picture or sound itself, for providers that fetch nothing. */
export function mediaOf({ inputs, media }: TaskInput): Media {
  if (media) return media;
  if (!isUrl(inputs)) throw noMedia();
  throw new RouterError(
    "unsupported_parameter",
    "This provider fetches no URL; send the file itself in `inputs`.",
    { param: "inputs" },
  );
}

/** A data URI, or the URL that the caller gave: fetching that is up to the provider. */
export function mediaUriOf(input: TaskInput, typeIfUnknown: string): string {
  if (input.media) return toDataUri(typed(input.media, typeIfUnknown));
  if (isUrl(input.inputs)) return input.inputs;
  throw noMedia();
}

/** What an upload without a type is said to be. */
const UNTYPED = "application/octet-stream";

export const isTyped = ({ type }: Media): boolean => type !== "" && type !== UNTYPED;

const typed = (media: Media, type: string): Media => (isTyped(media) ? media : { ...media, type });

const noMedia = () => badRequest("`inputs` must be a file, as base64 or a URL.", "inputs");

export type Size = { readonly width: number; readonly height: number };

/** `width` and `height`, where both are there. */
export function sizeIn(value: unknown): Size | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { width, height } = value as Json;
  return typeof width === "number" && typeof height === "number" ? { width, height } : undefined;
}

/** With `size` for the APIs that look at nothing else, as Python's client sends it. */
export function withSize(json: Json): Json {
  const size = sizeIn(json);
  return size ? { size: `${size.width}x${size.height}`, ...json } : json;
}

/** `num_inference_steps` by the shorter name that others have for it. */
export function stepsOptions({ extra, parameters }: TaskInput): Json {
  const { num_inference_steps: steps, ...rest } = parameters;
  return { ...extra, ...rest, ...(steps !== undefined && { steps }) };
}
