/** The forms of a request on hf-inference's wire: `inputs` and `parameters` in JSON, or a file as the whole body. */
import { badRequest } from "../../kernel/errors.js";
import { toBase64 } from "../../tasks/media.js";
import type { Json, TaskInput } from "../../tasks/task-call.js";
import type { RequestBody } from "../provider.js";
import { at } from "../reply.js";
import { flat, without } from "../request.js";
import { mediaOf } from "./task-input.js";

/** A member of JSON or nothing. */
const optional = (name: string, value: Json): Json =>
  Object.keys(value).length > 0 ? { [name]: value } : {};

const json = (value: unknown): RequestBody => ({ kind: "json", json: value });

const withInputs = (inputs: unknown, { parameters, extra }: TaskInput): RequestBody =>
  json({ ...extra, inputs, ...optional("parameters", parameters) });

export const asJson = (input: TaskInput): RequestBody => withInputs(input.inputs, input);

/** The options of embeddings stand beside `inputs`, not among parameters. */
export const asRoot = (input: TaskInput): RequestBody =>
  json({ ...flat(input), inputs: input.inputs });

/** The file alone or, where something is said about it, base64 in JSON, as Python's client does it. */
export function asFile(input: TaskInput): RequestBody {
  const isAlone = [input.parameters, input.extra].every((json) => Object.keys(json).length === 0);
  return isAlone ? { kind: "bytes", media: mediaOf(input) } : asFileInJson(input);
}

export const asFileInJson = (input: TaskInput): RequestBody =>
  withInputs(toBase64(mediaOf(input)), input);

export const asImageObject = (input: TaskInput): RequestBody =>
  withInputs({ image: imageOf(input) }, input);

/** Python's client writes the question of a visual one beside a picture that it sends twice. */
export function asQuestion(input: TaskInput): RequestBody {
  const question = at(input.inputs, "question") ?? input.extra.question;
  if (typeof question !== "string") throw badRequest("The question is missing.", "inputs.question");
  const rest = { ...input, extra: without(input.extra, "question", "image") };
  return withInputs({ ...objectIn(input), question, image: imageOf(input) }, rest);
}

/** The Hub's own description of the task says `question`; all that was ever sent or recorded is `query`. */
export function asTableQuestion(input: TaskInput): RequestBody {
  const { question, ...inputs } = objectIn(input);
  // Python's client names the model among the parameters; the route does that.
  const rest = { ...input, parameters: without(input.parameters, "model") };
  return withInputs({ ...inputs, query: inputs.query ?? question }, rest);
}

/** Python's client sends `{table}` where the other sends `{inputs: {data}}`. */
export function asTable(input: TaskInput): RequestBody {
  const { table, ...extra } = input.extra;
  return withInputs(input.inputs ?? { data: table }, { ...input, extra });
}

/** Empty where `inputs` was the picture. */
function objectIn({ inputs, media }: TaskInput): Json {
  if (inputs === undefined && media) return {};
  if (typeof inputs === "object" && inputs !== null) return inputs as Json;
  throw badRequest("`inputs` must be an object.", "inputs");
}

function imageOf({ media, inputs, extra }: TaskInput): string {
  const written = at(inputs, "image") ?? extra.image;
  if (media) return toBase64(media);
  if (typeof written === "string") return written;
  throw badRequest("The picture is missing.", "inputs.image");
}
