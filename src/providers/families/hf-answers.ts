/**
 * Answers on hf-inference's wire, in the one shape of each task that both of Hugging Face's clients accept. Older
 * servers, Text Embeddings Inference and Text Generation Inference differ from it in what stands in lists.
 */
import type { Media, MediaSource } from "../../tasks/media.js";
import type { TaskOutput } from "../../tasks/task-call.js";
import type { ProviderReply } from "../provider.js";
import { at, listAt, MalformedReply } from "../reply.js";
import { isTyped } from "./task-input.js";
import { pictureFrom } from "./task-output.js";

export type Reader = (reply: ProviderReply) => TaskOutput;

const json = (value: unknown): TaskOutput => ({ kind: "json", json: value });

/** JSON, changed by what the task wants. */
export const readJson =
  (change: (json: unknown, asked: unknown) => unknown): Reader =>
  (reply) => {
    const { body } = reply.request;
    return json(change(reply.json, body?.kind === "json" ? at(body.json, "inputs") : undefined));
  };

/** A list, also where a server answers its only element alone. */
export function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value === "object" && value !== null) return [value];
  throw new MalformedReply("neither a list nor an object");
}

/** `{…}`, also where a server answers a list of one. */
export function alone(value: unknown): unknown {
  if (!Array.isArray(value)) return object(value);
  return value.length === 1 ? object(value[0]) : value;
}

export function object(value: unknown): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new MalformedReply("no object");
}

/** `[{label, score}]`, also where it is the only element of a list. */
export function classes(value: unknown): readonly unknown[] {
  const found = list(value);
  const [first] = found;
  return found.length === 1 && Array.isArray(first) ? first : found;
}

/** One list of classes for each text. Flat answers are for one text, or one class for each of several. */
export function classesOfTexts(value: unknown, asked: unknown): readonly unknown[] {
  const found = list(value);
  if (found.every((one) => Array.isArray(one))) return found;
  const isOneEach = Array.isArray(asked) && asked.length > 1 && asked.length === found.length;
  return isOneEach ? found.map((one) => [one]) : [found];
}

/** Every recording has `{sequence, labels, scores}`; both clients of today read `[{label, score}]`. */
export function zeroShotClasses(value: unknown): readonly unknown[] {
  const found = list(value);
  if (!found.some((one) => Array.isArray(at(one, "labels")))) return classes(value);
  const each = found.map((one) => {
    const scores = listAt(one, "scores");
    return listAt(one, "labels").map((label, i) => ({ label, score: scores[i] }));
  });
  return each.length === 1 ? (each[0] ?? []) : each;
}

/** The JavaScript client wants to see `entity_group` also where nothing was aggregated. */
export const tokens = (value: unknown): readonly unknown[] =>
  list(value).map((one) => {
    const entity = at(one, "entity");
    const lacksGroup = typeof entity === "string" && at(one, "entity_group") === undefined;
    return lacksGroup ? { ...object(one), entity_group: entity } : one;
  });

/** `aggregator` must be there, and is `"NONE"` for models that know none. */
export function tableAnswer(value: unknown): unknown {
  const answer = alone(value);
  const complete = (one: unknown) => ({ aggregator: "NONE", ...object(one) });
  return Array.isArray(answer) ? answer.map(complete) : complete(answer);
}

/** Embeddings of any depth; `{data: [{embedding}]}` from what speaks OpenAI's form on this route too. */
export function vectors(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return listAt(value, "data").map((item) => listAt(item, "embedding"));
}

export function numbers(value: unknown): readonly unknown[] {
  const found = listAt(value);
  if (found.every((one) => typeof one === "number")) return found;
  throw new MalformedReply("a list of something else than numbers");
}

/** The body itself, or in the forms of JSON that the JavaScript client reads too. */
export const readPicture: Reader = (reply) => ({
  kind: "media",
  media: [reply.json === undefined ? bodyOf(reply, "image/jpeg") : pictureInJson(reply.json)],
});

export const readSound: Reader = (reply) => {
  if (reply.json !== undefined) throw new MalformedReply("JSON instead of sound");
  return { kind: "media", media: [bodyOf(reply, "audio/flac")] };
};

/** Hugging Face names the type; a server of one's own may not know it. */
function bodyOf({ bytes, type }: ProviderReply, unnamed: string): Media {
  if (!isTyped({ bytes, type })) return { bytes, type: unnamed };
  if (type.startsWith(unnamed.slice(0, unnamed.indexOf("/") + 1))) return { bytes, type };
  throw new MalformedReply(`${type} instead of something like ${unnamed}`);
}

function pictureInJson(value: unknown): MediaSource {
  const base64 = at(value, "data", 0, "b64_json");
  if (typeof base64 === "string") return pictureFrom(base64);
  const url = at(value, "output", 0);
  if (typeof url === "string") return { url };
  throw new MalformedReply("JSON without a picture");
}
