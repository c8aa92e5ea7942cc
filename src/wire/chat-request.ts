import { isUtf8 } from "node:buffer";
import { badRequest } from "../kernel/errors.js";
import { IMAGE_TOKENS_MAX, MESSAGES_MAX, NAME_CHARS_MAX } from "../kernel/limits.js";
import { type Span, textOf } from "../kernel/span.js";
import type {
  Attachment,
  ChatRequest,
  ResponseFormat,
  ResponseFormatForm,
} from "../tasks/chat-completion.js";
import type { JsonObject } from "../tasks/json-object.js";
import type { Json } from "../tasks/task-call.js";
import { asObject } from "./as-object.js";
import { CHECKS, COMPLETION_CHECKS, checkTypes, hasEntries } from "./chat-checks.js";
import { memberValue, readObject, type UsualForm } from "./json-object.js";
import { PLAIN_MESSAGES } from "./plain-messages.js";
import { parseRouteControls } from "./route-controls.js";

const MODEL_CHARS_MAX = 256;

/** Checks a chat body and finds in it what routing and metering need. Throws a RouterError naming the field. */
export function parseChatRequest(span: Span): ChatRequest {
  const body = readText(span, PLAIN_MESSAGES);
  checkTypes(body, CHECKS);
  const media = body.isUsual ? NO_MEDIA : checkMessages(memberValue(body, "messages"));
  const textBytes = span.end - span.start - media.imageChars;
  const { model, suffix } = splitModel(memberValue(body, "model"));
  const streamOptions = asObject(memberValue(body, "stream_options"));
  return {
    body,
    model,
    suffix,
    isStream: memberValue(body, "stream") === true,
    wantsUsage: streamOptions?.include_usage === true,
    maxTokens: readMaxTokens(body),
    choices: readChoices(body),
    usesTools: hasEntries(body, "tools"),
    streamOptions,
    controls: parseRouteControls(asObject(memberValue(body, "provider"))),
    responseFormat: readResponseFormat(memberValue(body, "response_format")),
    inputTokensMost: textBytes + media.images * IMAGE_TOKENS_MAX,
    textBytes,
    attachments: media.attachments,
    task: "conversational",
  };
}

/** The same for a completion that is to be streamed: it has a prompt where chat has messages. */
export function parseCompletionRequest(span: Span): ChatRequest {
  const body = readText(span);
  checkTypes(body, COMPLETION_CHECKS);
  const textBytes = span.end - span.start;
  const prompt = memberValue(body, "prompt");
  if (typeof prompt !== "string" || prompt === "") {
    throw badRequest('"prompt" must be a string that is not empty.', "prompt");
  }
  const streamOptions = asObject(memberValue(body, "stream_options"));
  return {
    body,
    ...splitModel(memberValue(body, "model")),
    isStream: memberValue(body, "stream") === true,
    wantsUsage: streamOptions?.include_usage === true,
    maxTokens: readMaxTokens(body),
    choices: readChoices(body),
    usesTools: false,
    streamOptions,
    controls: parseRouteControls(asObject(memberValue(body, "provider"))),
    responseFormat: undefined,
    inputTokensMost: textBytes,
    textBytes,
    attachments: NOTHING_ATTACHED,
    task: "text-generation",
  };
}

/** What goes to a provider as it came must be what every reader takes it for. */
function readText(span: Span, usual?: UsualForm): JsonObject {
  const { bytes, start, end } = span;
  // What stands around it is nearly always proper text, too, and need not be cut off.
  if (!isUtf8(bytes) && !isUtf8(bytes.subarray(start, end))) {
    throw badRequest("The body is not valid UTF-8.");
  }
  return readObject(span, usual);
}

function readChoices(body: JsonObject): number {
  const n = memberValue(body, "n");
  return typeof n === "number" ? n : 1;
}

/** A model id and what stands behind its colon. */
export function splitModel(model: unknown): { model: string; suffix: string | undefined } {
  if (typeof model !== "string" || model === "") {
    throw badRequest(
      '"model" must be a model id like "meta-llama/Llama-3.1-8B-Instruct".',
      "model",
    );
  }
  if (model.length > MODEL_CHARS_MAX) {
    throw badRequest(`"model" is longer than ${MODEL_CHARS_MAX} characters.`, "model");
  }
  const colon = model.lastIndexOf(":");
  if (colon < 0) return { model, suffix: undefined };
  return { model: model.slice(0, colon), suffix: model.slice(colon + 1) };
}

/** Base64 of images would count for far more tokens than images do, so it is told apart. */
type Media = { images: number; imageChars: number; attachments: readonly Attachment[] };

const NOTHING_ATTACHED: readonly Attachment[] = [];
const NO_MEDIA: Readonly<Media> = { images: 0, imageChars: 0, attachments: NOTHING_ATTACHED };

function checkMessages(messages: unknown): Readonly<Media> {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw badRequest('"messages" must be an array of at least one message.', "messages");
  }
  if (messages.length > MESSAGES_MAX) {
    throw badRequest(
      `"messages" has ${messages.length} entries; the limit is ${MESSAGES_MAX}.`,
      "messages",
    );
  }
  const media: Media = { ...NO_MEDIA };
  for (let i = 0; i < messages.length; i++) checkMessage(messages[i], i, media);
  return media;
}

function checkMessage(value: unknown, nth: number, media: Media): void {
  const message = asObject(value);
  const at = `messages[${nth}]`;
  if (!message) throw badRequest(`"${at}" must be an object.`, at);
  if (typeof message.role !== "string" || message.role.length > NAME_CHARS_MAX) {
    throw badRequest(`"${at}.role" must be a string like "user".`, `${at}.role`);
  }
  const { content } = message;
  if (content == null || typeof content === "string") return;
  if (!Array.isArray(content)) {
    throw badRequest(`"${at}.content" must be a string or an array of parts.`, `${at}.content`);
  }
  for (let i = 0; i < content.length; i++) {
    const part = asObject(content[i]);
    if (!part || typeof part.type !== "string") {
      const where = `${at}.content[${i}]`;
      throw badRequest(`"${where}" must be an object with a "type".`, where);
    }
    if (part.input_audio !== undefined) attach(media, "audio");
    if (part.video_url !== undefined) attach(media, "video");
    const url = asObject(part.image_url)?.url ?? part.image_url;
    if (typeof url !== "string") continue;
    attach(media, "image");
    media.images++;
    media.imageChars += url.length;
  }
}

function attach(media: Media, kind: Attachment): void {
  if (!media.attachments.includes(kind)) media.attachments = [...media.attachments, kind];
}

const MAX_TOKENS_NAMES = ["max_tokens", "max_completion_tokens"] as const;

function readMaxTokens(body: JsonObject): ChatRequest["maxTokens"] {
  for (const name of MAX_TOKENS_NAMES) {
    const value = memberValue(body, name);
    if (typeof value === "number") return { name, value };
  }
  return undefined;
}

const readResponseFormat = (value: unknown): ResponseFormat | undefined => {
  const format = asObject(value);
  return format && formatIn(format);
};

function formatIn(format: Json): ResponseFormat {
  const wrapped = asObject(format.json_schema);
  const found = (form: ResponseFormatForm, schema?: unknown): ResponseFormat => ({
    form,
    schema,
    name: typeof wrapped?.name === "string" ? wrapped.name : undefined,
    strict: typeof wrapped?.strict === "boolean" ? wrapped.strict : undefined,
  });
  if (format.type === "text") return found("text");
  if (format.type === "json_schema") {
    if (wrapped) return found("openai_schema", wrapped.schema);
    return format.schema === undefined ? found("other") : found("flat_schema", format.schema);
  }
  if (format.type !== "json_object" && format.type !== "json") return found("other");
  if (format.value !== undefined) return found("object_value", format.value);
  return format.schema === undefined ? found("json_object") : found("object_schema", format.schema);
}

/** All text of a chat body that a model reads, for counting when nobody else has counted. */
export function inputTextOf({ body: bytes }: ChatRequest): string {
  const body = JSON.parse(textOf(bytes)) as Json;
  const parts: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value === "string") parts.push(value.startsWith("data:") ? "" : value);
    else if (Array.isArray(value)) value.forEach(collect);
    else if (value && typeof value === "object") Object.values(value).forEach(collect);
  };
  collect(body.messages ?? body.prompt);
  if (body.tools) parts.push(JSON.stringify(body.tools));
  return parts.join("\n");
}
