/** POST /v1/embeddings. Source: OpenAI API reference, Embeddings. */
import { badRequest } from "../../kernel/errors.js";
import { EMBEDDING_DIMENSIONS_MAX, EMBEDDING_INPUTS_MAX } from "../../kernel/limits.js";
import type { Json } from "../../tasks/task-call.js";
import type { Door } from "./door.js";
import {
  allBut,
  given,
  list,
  mustBe,
  oneOf,
  PLAIN,
  routing,
  unsupported,
  whole,
} from "./fields.js";
import { jsonOf } from "./form.js";
import { jsonAnswer, jsonIn, unreadable, usageOf } from "./print.js";

export const embeddings: Door = {
  parse: (body) => {
    const json = jsonOf(body);
    const dimensions = whole(json, "dimensions", 1, EMBEDDING_DIMENSIONS_MAX);
    return {
      ...PLAIN,
      ...routing(json),
      tasks: ["feature-extraction"],
      input: {
        // A list even for one text: the answer is then a list of vectors everywhere.
        inputs: textsOf(json),
        media: undefined,
        parameters: {},
        // The task has its options beside `inputs`; `normalize`, `truncate` and the like come this way too.
        extra: {
          ...allBut(json, ["input", "dimensions", "encoding_format"]),
          ...given({ dimensions }),
        },
      },
      format: oneOf(json, "encoding_format", ["float", "base64"]) ?? "float",
    };
  },
  print: (asked, delivered, facts) => {
    const print = asked.format === "base64" ? toBase64 : (vector: readonly number[]) => vector;
    const texts = asked.input.inputs;
    const data = vectorsOf(jsonIn(delivered), Array.isArray(texts) ? texts.length : 1).map(
      (vector, index) => ({ object: "embedding", index, embedding: print(vector) }),
    );
    const { inputTokens } = facts.usage;
    return jsonAnswer(
      { object: "list", data, model: facts.model },
      usageOf({ prompt_tokens: inputTokens, total_tokens: inputTokens }, facts),
    );
  },
};

function textsOf(json: Json): readonly string[] {
  const { input } = json;
  if (typeof input === "string") return [someInput(input, "input")];
  if (!Array.isArray(input)) throw mustBe("input", "a string or a list of strings");
  return list(json, "input", EMBEDDING_INPUTS_MAX, someInput);
}

function someInput(value: unknown, name: string): string {
  if (typeof value === "number" || Array.isArray(value)) {
    throw unsupported("input", "tokens mean something to one tokenizer only; send text");
  }
  if (typeof value !== "string") throw mustBe(name, "a string");
  if (value === "") throw badRequest(`"${name}" is empty.`, name);
  return value;
}

/** One vector for each text. Some models answer with a vector for each token, which is no embedding of the text. */
function vectorsOf(json: unknown, count: number): readonly (readonly number[])[] {
  const rows: unknown = Array.isArray(json) && typeof json[0] === "number" ? [json] : json;
  if (!Array.isArray(rows) || !rows.every(isVector)) {
    throw unreadable("it is not one vector of numbers for each input");
  }
  if (rows.length !== count) {
    throw unreadable(`it has ${rows.length} vectors for ${count} inputs`);
  }
  return rows;
}

const isVector = (row: unknown): row is readonly number[] =>
  Array.isArray(row) && row.length > 0 && row.every((value) => typeof value === "number");

const FLOAT_BYTES = 4;

/** Little-endian 32-bit floats, whatever this machine has. */
function toBase64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * FLOAT_BYTES);
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, i * FLOAT_BYTES);
  return bytes.toString("base64");
}
