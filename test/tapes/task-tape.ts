/** What a recording of a task asked, and what must be read from its answer, written without the product's code. */
import type { Media } from "../../src/tasks/media.js";
import type { TaskInput, TaskOutput } from "../../src/tasks/task-call.js";
import { noUsage, type Usage } from "../../src/tasks/usage.js";
import type { OtherTask } from "../providers/exchange-files.js";
import type { Tape } from "./support.js";

type Json = Readonly<Record<string, unknown>>;

export const MEDIA_BYTES = new Uint8Array([1, 2, 3]);

const ANSWERING_MEDIA: readonly OtherTask[] = [
  "image-to-image",
  "text-to-image",
  "text-to-speech",
  "text-to-audio",
];
export const isMedia = (task: OtherTask): boolean => ANSWERING_MEDIA.includes(task);

/** Python's client sends a file with parameters as base64, these tasks only. */
const TAKING_FILES: readonly OtherTask[] = [
  "audio-classification",
  "audio-to-audio",
  "automatic-speech-recognition",
  "image-classification",
  "image-segmentation",
  "image-to-image",
  "image-to-text",
  "object-detection",
  "zero-shot-image-classification",
];

const isText = ({ exchange }: Tape): boolean =>
  exchange.request.bodyEncoding === "utf8" && exchange.request.body !== "";

/** What no client of today sends, or what the door keeps to itself. */
function withoutOld(body: Json): Json {
  const { options: _o, model: _m, stream: _s, inputs, prompt, input, ...rest } = body;
  const { parameters, ...extra } = rest as { parameters?: Json };
  const given = Object.entries(parameters ?? {}).filter(([, value]) => value !== null);
  return {
    ...extra,
    inputs: inputs ?? prompt ?? input,
    ...(given.length > 0 && { parameters: Object.fromEntries(given) }),
  };
}

/** The body as today's client would send it: JSON, or a file as base64. Undefined where none was kept. */
export function bodyOnTape(tape: Tape): unknown {
  const { body = "", bodyEncoding } = tape.exchange.request;
  if (isText(tape)) return withoutOld(JSON.parse(body) as Json);
  return bodyEncoding === "base64" ? body : undefined;
}

export function askedOn(tape: Tape, task: OtherTask): TaskInput | undefined {
  const body = bodyOnTape(tape);
  if (body === undefined) return undefined;
  const type = tape.exchange.request.headers?.["content-type"] ?? "";
  if (typeof body === "string") {
    return { inputs: undefined, media: mediaIn(body, type), parameters: {}, extra: {} };
  }
  const { inputs, parameters = {}, ...extra } = body as Json & { readonly parameters?: Json };
  const isFile = TAKING_FILES.includes(task) && typeof inputs === "string";
  return isFile
    ? { inputs: undefined, media: mediaIn(inputs, ""), parameters, extra }
    : { inputs, media: undefined, parameters, extra };
}

const mediaIn = (base64: string, type: string): Media => ({
  bytes: new Uint8Array(Buffer.from(base64, "base64")),
  type,
});

export function expectedOf(
  tape: Tape,
  task: OtherTask,
): { output: TaskOutput; usage: Usage | undefined } {
  const { headers, body } = tape.exchange.response;
  if (isMedia(task)) {
    const type = (headers["content-type"] ?? "").replace(/;.*/, "");
    return { output: { kind: "media", media: [{ bytes: MEDIA_BYTES, type }] }, usage: undefined };
  }
  const json: unknown = JSON.parse(body);
  return {
    output: { kind: "json", json: expectedJson(json, task) },
    usage: usageOn(json, headers),
  };
}

type OldZeroShot = { readonly labels: readonly string[]; readonly scores: readonly number[] };
type Completion = {
  readonly choices: readonly [{ text: string; finish_reason: string; seed: number }];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens?: number };
};
type Embeddings = Completion & { readonly data: readonly { readonly embedding: unknown }[] };

function expectedJson(json: unknown, task: OtherTask): unknown {
  if (task === "zero-shot-classification") return expectedClasses(json as readonly OldZeroShot[]);
  if (Array.isArray(json)) return task === "text-generation" ? json[0] : json;
  const { choices, data } = json as Partial<Embeddings>;
  if (data) return data.map(({ embedding }) => embedding);
  if (!choices) return json;
  const [{ text, finish_reason, seed }] = choices;
  return { generated_text: text, details: { finish_reason, seed } };
}

function expectedClasses(answers: readonly OldZeroShot[] | OldZeroShot): unknown {
  const lists = [answers]
    .flat()
    .map(({ labels, scores }) => labels.map((label, i) => ({ label, score: scores[i] })));
  return lists.length === 1 ? lists[0] : lists;
}

function usageOn(json: unknown, headers: Readonly<Record<string, string>>): Usage | undefined {
  const counted = Array.isArray(json) ? undefined : (json as Partial<Completion>).usage;
  const prompt = counted?.prompt_tokens ?? headers["x-prompt-tokens"];
  if (prompt === undefined) return undefined;
  const generated = counted ? (counted.completion_tokens ?? 0) : headers["x-generated-tokens"];
  return { ...noUsage, inputTokens: Number(prompt), outputTokens: Number(generated) };
}
