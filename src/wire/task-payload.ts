/**
 * Hugging Face's own form of a task: JSON `{inputs, parameters?, ...extra}`, or a file as the whole body. Clients send
 * a file either way, so each is taken for every task that wants one.
 */
import { badRequest, type RouterError } from "../kernel/errors.js";
import type { Task } from "../tasks/index.js";
import { fromBase64, fromDataUri, type Media } from "../tasks/media.js";
import { ANY_FILE, typeOfMedia } from "../tasks/media-type.js";
import type { Json, TaskInput } from "../tasks/task-call.js";
import { asObject } from "./as-object.js";
import { parseObject } from "./json-object.js";

export type TaskPayload = {
  readonly input: TaskInput;
  /** Where the file is, if the caller gave its address: `input.media` has yet to be fetched from there. */
  readonly mediaUrl?: string;
};

type PayloadTask = Exclude<Task, "conversational">;

/** What `inputs` is made of; for all other tasks it is JSON through and through. */
const INPUT_OF: { readonly [T in PayloadTask]?: "file" | "file_or_nothing" | "question" } = {
  "image-to-image": "file",
  "image-text-to-image": "file_or_nothing",
  "image-to-video": "file",
  "image-text-to-video": "file_or_nothing",
  "image-segmentation": "file",
  "automatic-speech-recognition": "file",
  "audio-to-audio": "file",
  "image-to-text": "file",
  "audio-classification": "file",
  "image-classification": "file",
  "object-detection": "file",
  "zero-shot-image-classification": "file",
  "document-question-answering": "question",
  "visual-question-answering": "question",
};

/**
 * `bytes` is the whole body. What is no JSON by its type is a file where the task takes one, a missing type included;
 * other tasks take JSON whatever its type says, since curl calls all it sends a form. Throws a RouterError naming the
 * field.
 */
export function parseTaskPayload(
  task: PayloadTask,
  contentType: string | null,
  bytes: Uint8Array<ArrayBuffer>,
): TaskPayload {
  const kind = INPUT_OF[task];
  if (bytes.byteLength === 0) throw badRequest("The body is empty.");
  const isFile = kind === "file" || kind === "file_or_nothing";
  if (isFile && !isJson(contentType)) return { input: fileInput(contentType, bytes) };
  const json = parseObject(new TextDecoder().decode(bytes));
  // `options` were the wishes of older clients (`wait_for_model`); nobody has heard them for long.
  const { inputs = null, parameters, options: _options, ...extra } = json;
  const rest = { parameters: parametersOf(parameters), extra };
  if (kind === "question") return questionPayload(inputs, rest);
  if (isFile) return filePayload(inputs, rest, kind === "file");
  // One client writes the table of the tabular tasks beside where the other has `inputs`.
  if (inputs === null && extra.table === undefined)
    throw badRequest('"inputs" is missing.', "inputs");
  return { input: { inputs: inputs ?? undefined, media: undefined, ...rest } };
}

type Rest = Pick<TaskInput, "parameters" | "extra">;

const isJson = (contentType: string | null): boolean =>
  contentType !== null && /^application\/([\w.-]+\+)?json\b/i.test(contentType.trim());

function fileInput(contentType: string | null, bytes: Uint8Array): TaskInput {
  if (contentType !== null && /^multipart\//i.test(contentType)) {
    throw badRequest("Send the file as the whole body, or base64 in JSON.", "content-type");
  }
  const media = { bytes, type: typeOfMedia(bytes, contentType) };
  return { inputs: undefined, media, parameters: {}, extra: {} };
}

function parametersOf(value: unknown): Json {
  const parameters = asObject(value ?? {});
  if (parameters) return parameters;
  throw badRequest('"parameters" must be an object.', "parameters");
}

function filePayload(inputs: unknown, rest: Rest, isNeeded: boolean): TaskPayload {
  const image = asObject(inputs)?.image;
  const written = image ?? inputs;
  if (written === null && !isNeeded) {
    return { input: { inputs: undefined, media: undefined, ...rest } };
  }
  // Words alone are no file, though their letters may be those of base64.
  if (!isNeeded && image === undefined && typeof inputs === "string" && isProse(inputs)) {
    return { input: { inputs, media: undefined, ...rest } };
  }
  return withFile(written, image === undefined ? "inputs" : "inputs.image", undefined, rest);
}

/** Neither an address nor a file in base64 that anybody knows. */
function isProse(text: string): boolean {
  if (text.trim() === "" || /^(https?:\/\/|data:)/i.test(text)) return false;
  const { bytes } = fromBase64(text.slice(0, FILE_HEAD_CHARS), "");
  return typeOfMedia(bytes, undefined) === ANY_FILE;
}

/** Of base64: enough to tell by what kind of file it is. */
const FILE_HEAD_CHARS = 64;

/** `{inputs: {question, image}}`, or Python's `{inputs: image, question, image}`. */
function questionPayload(inputs: unknown, { parameters, extra }: Rest): TaskPayload {
  const { question: besideQuestion, image: besideImage, ...others } = extra;
  const within = asObject(inputs);
  const { image = within ? besideImage : (inputs ?? besideImage), ...asked } = within ?? {};
  const question = asked.question ?? besideQuestion;
  if (typeof question !== "string" || question === "") {
    throw badRequest('"inputs.question" must be a string that is not empty.', "inputs.question");
  }
  return withFile(image, "inputs.image", { ...asked, question }, { parameters, extra: others });
}

function withFile(written: unknown, name: string, inputs: unknown, rest: Rest): TaskPayload {
  if (typeof written !== "string" || written === "") throw noFile(name);
  if (/^https?:\/\//i.test(written)) {
    return { input: { inputs, media: undefined, ...rest }, mediaUrl: written };
  }
  return { input: { inputs, media: fileIn(written, name), ...rest } };
}

const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
/** What a data URI is that names no type. */
const NO_TYPE = "text/plain";

function fileIn(written: string, name: string): Media {
  if (/^data:/i.test(written)) return dataUriIn(written, name);
  const text = /\s/.test(written) ? written.replace(/\s+/g, "") : written;
  if (!BASE64.test(text)) throw noFile(name);
  const { bytes } = fromBase64(text, "");
  return { bytes, type: typeOfMedia(bytes, undefined) };
}

function dataUriIn(written: string, name: string): Media {
  let media: Media | undefined;
  try {
    media = fromDataUri(written);
  } catch (cause) {
    const error = noFile(name);
    error.cause = cause;
    throw error;
  }
  if (!media || media.bytes.byteLength === 0) throw noFile(name);
  const said = media.type === NO_TYPE ? undefined : media.type;
  return { bytes: media.bytes, type: typeOfMedia(media.bytes, said) };
}

const noFile = (name: string): RouterError =>
  badRequest(`"${name}" must be a file: base64, a data URI or an http(s) URL.`, name);
