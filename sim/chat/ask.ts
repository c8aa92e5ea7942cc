import { isObject, isString, type Json, type JsonObject } from "../json.js";
import { CHOICES_MAX } from "../limits.js";

export type Tool = { readonly name: string; readonly parameters: Json };
export type ToolChoice = "auto" | "none" | "required" | { readonly name: string };

/**
 * How a caller asked for structure:
 * - `json_object`          {type: json_object}
 * - `json_schema`          {type: json_schema, json_schema: {schema}}
 * - `json_schema_flat`     {type: json_schema, schema}
 * - `json_object_schema`   {type: json_object, schema}
 * - `json_object_value`    {type: json_object, value}
 */
export type FormatName =
  | "json_object"
  | "json_schema"
  | "json_schema_flat"
  | "json_object_schema"
  | "json_object_value";

export type Format = { readonly name: FormatName; readonly schema: Json | undefined };

export type ChatAsk = {
  readonly body: JsonObject;
  readonly model: string;
  readonly messages: readonly JsonObject[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly maxTokens: number | undefined;
  readonly stop: readonly string[];
  readonly choices: number;
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice;
  readonly format: Format | undefined;
  /** Number of alternatives per token, or undefined when no log probabilities were asked for. */
  readonly logprobs: number | undefined;
  readonly effort: string | undefined;
  /** The messages are text to be continued: no chat template is put around them. */
  readonly raw: boolean;
};

export type Refusal = {
  readonly field: string;
  readonly why: string;
  /** Found out only when the stream had begun: it is an event of it, after a status of 200. */
  readonly late?: boolean;
};
export type Read = { ok: true; ask: ChatAsk } | ({ ok: false } & Refusal);

export const refuse = (field: string, why: string): { ok: false } & Refusal => ({
  ok: false,
  field,
  why,
});

/** Reads a chat body. `model` comes from the path where the provider puts it there. */
export function readAsk(body: unknown, modelInPath: string | undefined): Read {
  if (!isObject(body)) return refuse("body", "the body must be a JSON object");
  const model = modelInPath ?? body.model;
  if (!isString(model) || model === "")
    return refuse("model", "you must provide a model parameter");
  const { messages } = body;
  if (!Array.isArray(messages)) return refuse("messages", "missing field `messages`");
  if (messages.length === 0) return refuse("messages", "messages must not be empty");
  if (!messages.every((message) => isObject(message) && isString(message.role))) {
    return refuse("messages", "every message needs a role");
  }
  const lengths = readLengths(body);
  if (!lengths.ok) return lengths;
  const format = readFormat(body.response_format);
  if (format === null) return refuse("response_format", "response_format is not of a known type");
  return {
    ok: true,
    ask: {
      body,
      model,
      messages: messages.filter(isObject),
      stream: body.stream === true,
      includeUsage: isObject(body.stream_options) && body.stream_options.include_usage === true,
      maxTokens: lengths.maxTokens,
      stop: readStop(body.stop),
      choices: lengths.choices,
      tools: readTools(body.tools),
      toolChoice: readToolChoice(body.tool_choice),
      format,
      logprobs: readLogprobs(body),
      effort: isString(body.reasoning_effort) ? body.reasoning_effort : undefined,
      raw: false,
    },
  };
}

type Lengths =
  | { ok: true; maxTokens: number | undefined; choices: number }
  | ({ ok: false } & Refusal);

/** How many tokens at most, and how many choices. */
export function readLengths(body: JsonObject): Lengths {
  const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? undefined;
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && Number(maxTokens) >= 1)) {
    return refuse("max_tokens", "max_tokens must be an integer of at least 1");
  }
  const choices = body.n ?? 1;
  if (!(Number.isInteger(choices) && Number(choices) >= 1 && Number(choices) <= CHOICES_MAX)) {
    return refuse("n", `n must be an integer from 1 to ${CHOICES_MAX}`);
  }
  return {
    ok: true,
    maxTokens: maxTokens === undefined ? undefined : Number(maxTokens),
    choices: Number(choices),
  };
}

export const readStop = (stop: Json | undefined): string[] =>
  (Array.isArray(stop) ? stop : [stop]).filter((one) => isString(one) && one !== "").map(String);

function readTools(tools: Json | undefined): Tool[] {
  if (!Array.isArray(tools)) return [];
  return tools.filter(isObject).flatMap((tool) => {
    const made = tool.function;
    if (!isObject(made) || !isString(made.name)) return [];
    return [{ name: made.name, parameters: made.parameters ?? {} }];
  });
}

function readToolChoice(choice: Json | undefined): ToolChoice {
  if (choice === "none" || choice === "required") return choice;
  if (isObject(choice) && isObject(choice.function) && isString(choice.function.name)) {
    return { name: choice.function.name };
  }
  return "auto";
}

/** undefined: text. null: not understood. */
function readFormat(format: Json | undefined): Format | undefined | null {
  if (format === undefined || format === null) return undefined;
  if (!isObject(format)) return null;
  if (format.type === "text") return undefined;
  if (format.type === "json_schema") {
    if (isObject(format.json_schema)) {
      return { name: "json_schema", schema: format.json_schema.schema };
    }
    return isObject(format.schema) ? { name: "json_schema_flat", schema: format.schema } : null;
  }
  if (format.type !== "json_object") return null;
  if (isObject(format.schema)) return { name: "json_object_schema", schema: format.schema };
  if (isObject(format.value)) return { name: "json_object_value", schema: format.value };
  return { name: "json_object", schema: undefined };
}

/** OpenAI: a flag and a number; together: the number alone. */
function readLogprobs(body: JsonObject): number | undefined {
  if (typeof body.logprobs === "number") return body.logprobs;
  if (body.logprobs !== true) return undefined;
  return typeof body.top_logprobs === "number" ? body.top_logprobs : 0;
}

/** The text of a message, and how many images are in it. */
export function contentOf(message: JsonObject): { text: string; images: number } {
  const { content } = message;
  if (isString(content)) return { text: content, images: 0 };
  if (!Array.isArray(content)) return { text: "", images: 0 };
  let text = "";
  let images = 0;
  for (const part of content.filter(isObject)) {
    if (isString(part.text)) text += part.text;
    else if (part.type === "image_url") images += 1;
  }
  return { text, images };
}
