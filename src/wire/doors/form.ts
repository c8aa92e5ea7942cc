/** Bodies of doors: JSON or `multipart/form-data`, read into data once. */
import { badRequest } from "../../kernel/errors.js";
import { FORM_PARTS_MAX } from "../../kernel/limits.js";
import type { Media } from "../../tasks/media.js";
import { typeOfMedia } from "../../tasks/media-type.js";
import type { Json } from "../../tasks/task-call.js";
import { parseObject } from "../json-object.js";
import type { DoorBody, FormPart } from "./door.js";
import { mustBe, unsupported } from "./fields.js";

/** Throws a RouterError for a body that is neither. What names no type is taken for JSON. */
export async function readDoorBody(
  contentType: string | null,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<DoorBody> {
  if (contentType !== null && /^multipart\/form-data\b/i.test(contentType)) {
    return { kind: "form", parts: await readParts(contentType, bytes) };
  }
  return { kind: "json", json: parseObject(new TextDecoder().decode(bytes)) };
}

async function readParts(
  contentType: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<readonly FormPart[]> {
  const headers = { "content-type": contentType };
  const form = await new Response(bytes, { headers }).formData().catch((cause) => {
    const error = badRequest("The body is not valid multipart/form-data.");
    error.cause = cause;
    throw error;
  });
  const parts = [...form];
  if (parts.length > FORM_PARTS_MAX) {
    throw badRequest(`The form has ${parts.length} parts; the limit is ${FORM_PARTS_MAX}.`);
  }
  return Promise.all(parts.map(([name, value]) => readPart(name, value)));
}

async function readPart(name: string, value: FormDataEntryValue): Promise<FormPart> {
  if (typeof value === "string") return { name, text: value };
  const file = await value.bytes();
  return { name, media: { bytes: file, type: typeOfMedia(file, value.type) } };
}

/** Throws `bad_request` for a form: for doors that take none. */
export function jsonOf(body: DoorBody): Json {
  if (body.kind === "json") return body.json;
  throw badRequest("This route takes application/json.", "content-type");
}

/** How the fields of a form are to be read: all of them are text as they come. */
export type FormShape = {
  /** Lists are written as `name[]`, once for each entry; elsewhere a name may stand once. */
  readonly lists: readonly string[];
  readonly numbers: readonly string[];
  readonly flags: readonly string[];
};

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/;

/** The text fields as JSON would have them. What should be a number and is none stays text, to be refused. */
export function fieldsOf(body: DoorBody, shape: FormShape): Json {
  const fields: Record<string, unknown> = Object.create(null);
  for (const part of partsOf(body)) {
    if (!("text" in part)) continue;
    const name = part.name.endsWith("[]") ? part.name.slice(0, -2) : part.name;
    if (shape.lists.includes(name)) {
      const entries = fields[name];
      fields[name] = [...(Array.isArray(entries) ? entries : []), part.text];
    } else if (name in fields) {
      throw badRequest(`The form has "${name.slice(0, 64)}" twice.`, name.slice(0, 64));
    } else {
      fields[name] = readField(name, part.text, shape);
    }
  }
  return { ...fields };
}

function readField(name: string, text: string, { numbers, flags }: FormShape): unknown {
  if (numbers.includes(name) && NUMBER.test(text)) return Number(text);
  if (flags.includes(name) && (text === "true" || text === "false")) return text === "true";
  return text;
}

/** The one file of this name, which may be written as a list of one; all other files are refused by name. */
export function onlyFile(body: DoorBody, name: string): Media {
  const files = partsOf(body).flatMap((part) => ("media" in part ? [part] : []));
  const [other] = files.filter((file) => ![name, `${name}[]`].includes(file.name));
  if (other) throw unsupported(other.name.slice(0, 64), `the only file is "${name}"`);
  const [file, ...more] = files;
  if (!file) throw mustBe(name, "a file, as a part of the form that has a file name");
  if (more.length > 0) throw unsupported(name, "one file is the most");
  if (file.media.bytes.byteLength === 0) throw badRequest(`"${name}" is an empty file.`, name);
  return file.media;
}

function partsOf(body: DoorBody): readonly FormPart[] {
  if (body.kind === "form") return body.parts;
  throw badRequest("This route takes multipart/form-data.", "content-type");
}
