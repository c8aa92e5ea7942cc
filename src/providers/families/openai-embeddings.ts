/** OpenAI's embeddings: feature-extraction that is always two-dimensional, also for a single text. */
import { parseUsage } from "../../tasks/openai-usage.js";
import type { Usage } from "../../tasks/usage.js";
import type { TaskAdapter } from "../provider.js";
import { at, listAt, MalformedReply } from "../reply.js";
import { doneWith, flat, postJson, without } from "../request.js";

export const openAiEmbeddings = (path: string): TaskAdapter => ({
  start: (input, { providerModel }) =>
    postJson(path, {
      // How numbers are written towards the caller is not the provider's affair: it sends plain ones.
      ...without(flat(input), "encoding_format"),
      input: input.inputs,
      model: providerModel,
    }),
  next: ({ json }) => doneWith(vectorsIn(json), inputUsage(at(json, "usage"))),
});

/** In the order of the inputs, whatever the order of the answer. */
function vectorsIn(json: unknown): number[][] {
  const items = listAt(json, "data").map((item, place) => {
    const index = at(item, "index");
    return { place: typeof index === "number" ? index : place, vector: vectorOf(item) };
  });
  return items.sort((a, b) => a.place - b.place).map(({ vector }) => vector);
}

/** Some servers answer base64 of little-endian floats unasked. */
function vectorOf(item: unknown): number[] {
  const value = at(item, "embedding");
  if (typeof value === "string") return floatsIn(Buffer.from(value, "base64"));
  if (isVector(value)) return value;
  throw new MalformedReply("no numbers at data.embedding");
}

const isVector = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((one) => typeof one === "number");

const BYTES_A_FLOAT = 4;

function floatsIn(bytes: Buffer): number[] {
  if (bytes.length === 0 || bytes.length % BYTES_A_FLOAT !== 0) {
    throw new MalformedReply("text at data.embedding that is no list of floats");
  }
  const count = bytes.length / BYTES_A_FLOAT;
  return Array.from({ length: count }, (_, i) => bytes.readFloatLE(i * BYTES_A_FLOAT));
}

/** Embeddings have no completion, and say so by leaving it out; a few tell the total only. */
export function inputUsage(usage: unknown): Usage | undefined {
  if (typeof usage !== "object" || usage === null) return undefined;
  const total = at(usage, "total_tokens");
  return parseUsage({ prompt_tokens: total, completion_tokens: 0, ...usage });
}
