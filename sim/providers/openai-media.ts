import { CREATED, imagesAnswer } from "../families/openai-images.js";
import {
  fieldOf,
  openAiSpeech,
  openAiTranscriptions,
  type Transcript,
  verboseTranscript,
} from "../families/openai-speech.js";
import { isString, type Json, type JsonObject } from "../json.js";
import { probe } from "../media/probe.js";
import { taskModel } from "../model-entry.js";
import type { Endpoint } from "../provider.js";
import type { TaskModel } from "../provider-facts.js";
import { badRequest, type TaskAnswer } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import { type Drawn, draw } from "../task/draw.js";
import { countText } from "../tokens.js";

export const openaiTasks: readonly TaskModel[] = [
  // The newer models are priced by tokens; these are the flat figures its price list gives beside them.
  taskModel("text-to-image", "openai/gpt-image-1", "gpt-image-1", { image: "0.042" }),
  taskModel("text-to-image", "openai/dall-e-3", "dall-e-3", { image: "0.04" }),
  taskModel("image-to-image", "openai/gpt-image-1", "gpt-image-1", { image: "0.042" }),
  taskModel("text-to-speech", "openai/tts-1", "tts-1", { million_characters: "15" }),
  taskModel("automatic-speech-recognition", "openai/whisper-1", "whisper-1", {
    audio_minute: "0.006",
  }),
  taskModel(
    "automatic-speech-recognition",
    "openai/gpt-4o-mini-transcribe",
    "gpt-4o-mini-transcribe",
    { audio_minute: "0.003" },
  ),
];

const SIZES: { readonly [model: string]: readonly string[] } = {
  "dall-e-2": ["256x256", "512x512", "1024x1024"],
  "dall-e-3": ["1024x1024", "1792x1024", "1024x1792"],
  "gpt-image": ["1024x1024", "1536x1024", "1024x1536", "auto"],
};
const SQUARE = { width: 1024, height: 1024 };
/** Tokens of a picture that is given, and of one that is made, at medium quality. */
const TOKENS_IN = 272;
const TOKENS_OUT = 1_056;

/** The `gpt-image` family counts tokens and always answers with base64; the older ones link and count pictures. */
function pictures(ask: TaskAsk, fields: JsonObject, given: number): TaskAnswer {
  const model = ask.model === "" ? "dall-e-2" : ask.model;
  const isGpt = model.startsWith("gpt-image");
  const form = fields.response_format ?? (isGpt ? "b64_json" : "url");
  if (isGpt && fields.response_format !== undefined) {
    return badRequest("response_format", "Unknown parameter: 'response_format'.");
  }
  if (form !== "url" && form !== "b64_json") return badRequest("response_format", "Invalid value.");
  const sizes = SIZES[isGpt ? "gpt-image" : model] ?? [];
  const size = fields.size ?? sizes[0] ?? "";
  if (sizes.length > 0 && !sizes.includes(String(size))) {
    return badRequest(
      "size",
      `Invalid value: '${size}'. Supported values are: ${sizes.join(", ")}.`,
    );
  }
  const formats = { png: "png", jpeg: "jpeg", webp: "webp" } as const;
  const wanted = String(fields.output_format ?? "png");
  const format = wanted in formats ? formats[wanted as keyof typeof formats] : undefined;
  if (!format) return badRequest("output_format", `Invalid value: '${wanted}'.`);
  const drawn = draw(ask, fields, { size: SQUARE, format });
  if ("refused" in drawn) return drawn;
  const entry = (picture: JsonObject) =>
    model === "dall-e-3" ? { revised_prompt: drawn.prompt, ...picture } : picture;
  const whole = (data: readonly JsonObject[]): Json =>
    isGpt ? gptAnswer(data, drawn, { given, format }) : { created: CREATED, data };
  const answer = imagesAnswer(ask, { entry, whole }, drawn, form);
  const task = given > 0 ? "image-to-image" : "text-to-image";
  if (!isGpt) return { ...answer, model, task };
  const tokens = tokensOf(drawn, given);
  const units = { ...drawn.units, promptTokens: tokens.input, completionTokens: tokens.output };
  return { ...answer, model, task, units };
}

const tokensOf = ({ prompt, pictures: made }: Drawn, given: number) => {
  const text = countText(prompt);
  const image = given * TOKENS_IN;
  return { text, image, input: text + image, output: made.length * TOKENS_OUT };
};

function gptAnswer(
  data: readonly JsonObject[],
  drawn: Drawn,
  { given, format }: { readonly given: number; readonly format: string },
): Json {
  const tokens = tokensOf(drawn, given);
  return {
    created: CREATED,
    background: "opaque",
    data,
    output_format: format,
    quality: "medium",
    size: `${drawn.size.width}x${drawn.size.height}`,
    usage: {
      input_tokens: tokens.input,
      input_tokens_details: { image_tokens: tokens.image, text_tokens: tokens.text },
      output_tokens: tokens.output,
      total_tokens: tokens.input + tokens.output,
    },
  };
}

/** Multipart: text fields, and one or more pictures as `image` or `image[]`. */
async function edit(ask: TaskAsk): Promise<TaskAnswer> {
  if (ask.body.kind !== "form") return badRequest("image", "Missing required parameter: 'image'.");
  const { form } = ask.body;
  const images = [...form.getAll("image"), ...form.getAll("image[]")];
  if (images.length === 0) return badRequest("image", "Missing required parameter: 'image'.");
  for (const image of images) {
    const bytes = isString(image) ? undefined : new Uint8Array(await image.arrayBuffer());
    if (!bytes || probe(bytes)?.kind !== "image") {
      return badRequest("image", "Invalid image file or mode for image 1.");
    }
  }
  const fields: Record<string, Json> = {};
  for (const [name, value] of form) if (isString(value)) fields[name] = value;
  return pictures(ask, fields, images.length);
}

/** Newer models count tokens and can stream; whisper counts seconds, rounded up. */
function transcript({ text, seconds }: Transcript, ask: TaskAsk): TaskAnswer | undefined {
  if (ask.model.startsWith("whisper")) return undefined;
  const input = Math.ceil(seconds * 10);
  const output = countText(text);
  const units = { audioSeconds: seconds, promptTokens: input, completionTokens: output };
  const usage = {
    type: "tokens",
    total_tokens: input + output,
    input_tokens: input,
    input_token_details: { text_tokens: 0, audio_tokens: input },
    output_tokens: output,
  };
  if (fieldOf(ask, "stream") !== "true") return { body: { json: { text, usage } }, units };
  const event = (data: JsonObject, tokens = 0) => ({
    text: `data: ${JSON.stringify(data)}\n\n`,
    tokens,
  });
  const words = text
    .split(/(?= )/)
    .map((delta) => event({ type: "transcript.text.delta", delta }, 1));
  const done = event({ type: "transcript.text.done", text, usage });
  return { body: { events: [...words, done] }, units };
}

const duration = ({ seconds }: Transcript): Json => ({
  type: "duration",
  seconds: Math.ceil(seconds),
});

/** OpenAI's media, as its reference of 2026 and its SDK have them. */
export const openaiMedia: readonly Endpoint[] = [
  {
    kind: "task",
    method: "POST",
    path: "/v1/images/generations",
    task: "text-to-image",
    answer: (ask) => pictures(ask, ask.json, 0),
  },
  { kind: "task", method: "POST", path: "/v1/images/edits", task: "image-to-image", answer: edit },
  openAiSpeech({
    path: "/v1/audio/speech",
    formats: { mp3: "mp3", opus: "opus", flac: "flac", wav: "wav", pcm: "pcm" },
    voice: "required",
  }),
  openAiTranscriptions({
    path: "/v1/audio/transcriptions",
    plain: (heard) => ({ text: heard.text, usage: duration(heard) }),
    verbose: (heard) => ({ ...verboseTranscript(heard), usage: duration(heard) }),
    own: transcript,
  }),
];
