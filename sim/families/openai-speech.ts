import { isString, type Json } from "../json.js";
import { makeSound, speechSeconds } from "../media/make.js";
import type { SoundFormat } from "../media/play-sound.js";
import { type Probed, probe } from "../media/probe.js";
import type { TaskEndpoint } from "../provider.js";
import { badRequest, bytes, json, type TaskAnswer } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import { heard } from "../task/read.js";

/** One provider's way of OpenAI's speech. */
export type SpeechHabits = {
  readonly path: string;
  /** What each `response_format` is; the first is the usual one. */
  readonly formats: { readonly [name: string]: SoundFormat };
  readonly voice: "required" | "optional";
};

const INPUT_CHARS_MAX = 4_096;

export const openAiSpeech = ({ path, formats, voice }: SpeechHabits): TaskEndpoint => ({
  kind: "task",
  method: "POST",
  path,
  task: "text-to-speech",
  answer(ask) {
    const { input, response_format: wanted = Object.keys(formats)[0] } = ask.json;
    if (ask.model === "") return badRequest("model", "model is required");
    if (!isString(input) || input === "") return badRequest("input", "input is required");
    if (input.length > INPUT_CHARS_MAX) return badRequest("input", "input is too long");
    if (voice === "required" && !ask.json.voice) return badRequest("voice", "voice is required");
    const format = isString(wanted) ? formats[wanted] : undefined;
    if (!format) return badRequest("response_format", `there is no format ${wanted}`);
    const sound = makeSound(ask, speechSeconds(input), format);
    const units = { characters: input.length, audioSeconds: sound.seconds };
    return bytes(sound.bytes, sound.type, { units });
  },
});

/** One recording understood. */
export type Transcript = { readonly text: string; readonly seconds: number };

/** One provider's way of OpenAI's transcriptions. */
export type TranscriptionHabits = {
  readonly path: string;
  /** A URL in place of the file is taken too. */
  readonly urls?: boolean;
  /** For `response_format` json. */
  readonly plain: (transcript: Transcript, ask: TaskAsk) => Json;
  readonly verbose?: (transcript: Transcript, ask: TaskAsk) => Json;
  /** Instead of all of the above, where the request calls for it. */
  readonly own?: (transcript: Transcript, ask: TaskAsk) => TaskAnswer | undefined;
};

export const openAiTranscriptions = (habits: TranscriptionHabits): TaskEndpoint => ({
  kind: "task",
  method: "POST",
  path: habits.path,
  task: "automatic-speech-recognition",
  async answer(ask) {
    if (ask.body.kind !== "form") return badRequest("file", "the body must be multipart/form-data");
    if (ask.model === "") return badRequest("model", "model is required");
    const file = ask.body.form.get("file");
    const probed = await probePart(file, habits.urls === true);
    if (probed?.kind !== "sound") {
      return badRequest("file", "Invalid file format. The audio could not be decoded.");
    }
    const transcript = { text: heard(ask, probed.seconds), seconds: probed.seconds };
    return habits.own?.(transcript, ask) ?? written(transcript, ask, habits);
  },
});

/** A recording that is only linked to is taken to be so long. */
const UNSEEN: Probed = { kind: "sound", seconds: 4 };

async function probePart(part: File | string | null, urls: boolean) {
  if (isString(part)) return urls && /^https?:\/\//.test(part) ? UNSEEN : undefined;
  return part ? probe(new Uint8Array(await part.arrayBuffer())) : undefined;
}

function written(transcript: Transcript, ask: TaskAsk, habits: TranscriptionHabits): TaskAnswer {
  const { text, seconds } = transcript;
  const units = { audioSeconds: seconds };
  const { plain, verbose = plain } = habits;
  switch (fieldOf(ask, "response_format") ?? "json") {
    case "json":
      return json(plain(transcript, ask), { units });
    case "verbose_json":
      return json(verbose(transcript, ask), { units });
    case "text":
      return { body: { text: `${text}\n` }, units };
    case "srt":
      return { body: { text: `1\n${span(seconds, ",")}\n${text}\n\n` }, units };
    case "vtt":
      return { body: { text: `WEBVTT\n\n${span(seconds, ".")}\n${text}\n\n` }, units };
    default:
      return badRequest("response_format", "response_format is not of a known kind");
  }
}

export const fieldOf = ({ body }: TaskAsk, name: string): string | undefined => {
  const value = body.kind === "form" ? body.form.get(name) : undefined;
  return isString(value) ? value : undefined;
};

function span(seconds: number, point: string): string {
  const end = new Date(Math.round(seconds * 1000)).toISOString().slice(11, 23);
  return `00:00:00${point}000 --> ${end.replace(".", point)}`;
}

/** One segment, as whisper prints it. */
export const segmentsOf = ({ text, seconds }: Transcript): Json => [
  {
    id: 0,
    seek: 0,
    start: 0,
    end: seconds,
    text,
    tokens: [],
    temperature: 0,
    avg_logprob: -0.25,
    compression_ratio: 1.1,
    no_speech_prob: 0.01,
  },
];

export const verboseTranscript = (transcript: Transcript): { readonly [key: string]: Json } => ({
  task: "transcribe",
  language: "english",
  duration: transcript.seconds,
  text: transcript.text,
  segments: segmentsOf(transcript),
});
