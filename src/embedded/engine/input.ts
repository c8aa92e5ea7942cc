/** The forms in which hf-inference's clients send a task's input. */
import { z } from "zod";
import { badInput } from "../refusal.js";

export type Input =
  | { readonly kind: "json"; readonly members: Readonly<Record<string, unknown>> }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array };

/** A body is JSON where its type says so; without a type it is a file, as the clients mean it. */
export function readInput(contentType: string | null, body: Uint8Array): Input {
  if (!/^application\/([\w.+-]+\+)?json\b/i.test(contentType ?? "")) {
    return { kind: "bytes", bytes: body };
  }
  const value = parseJson(body);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw badInput("The body is not a JSON object.");
  }
  return { kind: "json", members: value as Readonly<Record<string, unknown>> };
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8"));
  } catch {
    throw badInput("The body is not valid JSON.");
  }
}

/** A text task's body, checked. */
export function readJson<Schema extends z.ZodType>(input: Input, schema: Schema): z.output<Schema> {
  if (input.kind !== "json") throw badInput('This task takes a JSON body: {"inputs": …}.');
  return check(schema, input.members);
}

/** The file and the parameters of a media task: raw bytes, or JSON with base64 in `inputs`. */
export function readMedia<Schema extends z.ZodType>(
  input: Input,
  parameters: Schema,
): { bytes: Uint8Array; parameters: z.output<Schema> } {
  if (input.kind === "bytes") {
    if (input.bytes.length === 0) throw badInput("The body is empty.");
    return { bytes: input.bytes, parameters: check(parameters, {}) };
  }
  const { inputs, parameters: given } = check(mediaBody, input.members);
  return {
    bytes: decodeBase64(inputs),
    parameters: check(parameters, given ?? {}, "parameters"),
  };
}

const mediaBody = z.object({
  inputs: z.string(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
});

const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

function decodeBase64(text: string): Uint8Array {
  if (/^https?:/i.test(text))
    throw badInput("`inputs` is a URL; send the file itself, as bytes or base64.");
  const bare = text.replace(/^data:[^,]{0,200};base64,/, "").replace(/\s+/g, "");
  if (!BASE64.test(bare)) throw badInput("`inputs` is not base64.");
  return Buffer.from(bare, "base64");
}

/** Checks a value against its schema; the message names the member, as hf-inference's do. */
function check<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  at?: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = [...(at === undefined ? [] : [at]), ...(issue?.path ?? [])].join(".");
  throw badInput(where ? `Error in \`${where}\`: ${issue?.message}` : `${issue?.message}`);
}
