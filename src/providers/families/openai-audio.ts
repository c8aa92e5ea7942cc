import type { Json, TaskInput } from "../../tasks/task-call.js";
import type { FormField, ProviderReply, Step, Target, TaskAdapter } from "../provider.js";
import { MalformedReply } from "../reply.js";
import { doneWith, flat, postJson } from "../request.js";
import { formOf } from "./form.js";

import { countedTokens } from "./openai-counts.js";
import { mediaOf, mediaUriOf, textOf } from "./task-input.js";
import { doneWithMedia, soundIn, transcriptOf } from "./task-output.js";

type Speech = {
  readonly path: string;
  /** What stands in for what the caller left out. */
  readonly defaults?: (target: Target) => Json;
  /** One of the voices that it has; undefined where it chooses one itself. Source: OpenAI API reference, Audio. */
  readonly voice?: string;
};

/** OpenAI's `audio/speech`: a text, read aloud. */
export const openAiSpeech = ({ path, voice, defaults = () => ({}) }: Speech): TaskAdapter => ({
  ...(voice !== undefined && { insistsOn: { voice } }),
  start: (input, target) =>
    postJson(path, {
      ...defaults(target),
      ...flat(input),
      input: textOf(input),
      model: target.providerModel,
    }),
  next: (reply) => doneWithMedia([soundIn(reply)]),
});

type Transcription = {
  readonly path: string;
  /** Whether it fetches the sound itself, where the caller has it at a URL. */
  readonly fetches?: boolean;
  /** What the caller asked for, in the provider's words; as it is if not said. */
  readonly options?: (input: TaskInput) => Json;
};

/** OpenAI's `audio/transcriptions`: what is said in a sound. */
export function openAiTranscription(call: Transcription): TaskAdapter {
  const { path, fetches = false, options = flat } = call;
  return {
    start: (input, target) =>
      formOf(path, fetches && !input.media ? linkField(input) : fileField(input), {
        ...options(input),
        model: target.providerModel,
      }),
    next: transcriptIn,
  };
}

const FILE = "file";

const linkField = (input: TaskInput): FormField => ({ name: FILE, text: mediaUriOf(input, "") });

function fileField(input: TaskInput): FormField {
  const media = mediaOf(input);
  const type = (media.type.split(";")[0] ?? "").trim().toLowerCase();
  return { name: FILE, media, fileName: `audio.${ENDINGS[type] ?? "wav"}` };
}

/** By the ending of its name a file is told. */
const ENDINGS: Readonly<Record<string, string>> = {
  "audio/mpeg": "mp3",
  "audio/mp3": "mp3",
  "audio/mp4": "mp4",
  "audio/m4a": "m4a",
  "audio/x-m4a": "m4a",
  "audio/flac": "flac",
  "audio/x-flac": "flac",
  "audio/ogg": "ogg",
  "audio/webm": "webm",
};

/** Text and subtitles are what a caller may have asked for with `response_format`. */
function transcriptIn({ json, type, bytes }: ProviderReply): Step {
  if (json !== undefined) return doneWith(transcriptOf(json), countedTokens(json));
  if (!type.startsWith("text/")) throw new MalformedReply(`no transcript but ${type || "nothing"}`);
  return doneWith({ text: new TextDecoder().decode(bytes) });
}
