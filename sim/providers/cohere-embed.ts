import { keyOf } from "../families/openai-embeddings.js";
import { isObject, isString, type Json, type JsonObject } from "../json.js";
import { EMBEDDED_TEXTS_MAX } from "../limits.js";
import type { TaskEndpoint } from "../provider.js";
import { badRequest, json, type Refused, type TaskAnswer } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import { base64Of, lengthOf, vectorFor } from "../text/vectors.js";
import { countText } from "../tokens.js";

const TYPES: { readonly [type: string]: (vector: Float32Array) => Json } = {
  float: (vector) => [...vector],
  int8: (vector) => [...vector].map((value) => Math.round(value * 127)),
  uint8: (vector) => [...vector].map((value) => Math.round(value * 127) + 128),
  binary: (vector) => packed(vector).map((byte) => byte - 128),
  ubinary: (vector) => packed(vector),
  base64: base64Of,
};

/** One bit for each number: whether it is above zero. */
function packed(vector: Float32Array): number[] {
  const bytes: number[] = [];
  for (let at = 0; at < vector.length; at += 8) {
    let byte = 0;
    for (let bit = 0; bit < 8; bit += 1) byte = byte * 2 + ((vector[at + bit] ?? 0) > 0 ? 1 : 0);
    bytes.push(byte);
  }
  return bytes;
}

/** `/v2/embed`: vectors by the types asked for, as Cohere's own SDK types it. */
export const cohereEmbed: TaskEndpoint = {
  kind: "task",
  method: "POST",
  path: "/v2/embed",
  task: "feature-extraction",
  answer: embed,
};

function embed(ask: TaskAsk): TaskAnswer {
  const { json: body, model } = ask;
  if (model === "") return badRequest("model", "model is required");
  if (!isString(body.input_type)) return badRequest("input_type", "valid input_type must be given");
  const asked = body.embedding_types ?? ["float"];
  const types = Array.isArray(asked) ? asked.filter(isString) : [];
  const unknown = types.find((type) => !Object.hasOwn(TYPES, type));
  if (types.length === 0 || unknown !== undefined) {
    return badRequest("embedding_types", `invalid embedding type ${unknown ?? ""}`.trim());
  }
  const inputs = readInputs(body);
  if ("refused" in inputs) return inputs;
  const length = Number(body.output_dimension ?? lengthOf(model));
  const vectors = inputs.map((text) => vectorFor(text, length, keyOf(ask)));
  const tokens = inputs.reduce((sum, text) => sum + countText(text), 0);
  const embeddings = types.map((type) => [type, vectors.map(TYPES[type] ?? base64Of)]);
  return json(
    {
      id: ask.ids.uuid(),
      embeddings: Object.fromEntries(embeddings),
      texts: Array.isArray(body.texts) ? body.texts : [],
      response_type: "embeddings_by_type",
      meta: { api_version: { version: "2" }, billed_units: { input_tokens: tokens } },
    },
    { units: { promptTokens: tokens } },
  );
}

/** `texts`, `images` (data URIs) or `inputs` of mixed content; an image counts by its address. */
function readInputs(body: JsonObject): readonly string[] | Refused {
  const given = body.texts ?? body.images ?? body.inputs;
  const list = Array.isArray(given) ? given : [];
  if (list.length === 0) return badRequest("texts", "one of texts, images or inputs must be given");
  if (list.length > EMBEDDED_TEXTS_MAX) return badRequest("texts", "too many texts");
  return list.map((one) => (isString(one) ? one : contentOf(one)));
}

function contentOf(input: Json): string {
  const parts = isObject(input) && Array.isArray(input.content) ? input.content : [];
  return parts
    .map((part) => (isObject(part) && isString(part.text) ? part.text : "image"))
    .join(" ");
}
