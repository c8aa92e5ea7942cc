import { isString, type Json } from "../json.js";
import { base64, makeSound, speechSeconds } from "../media/make.js";
import { heard } from "../task/read.js";
import { soundIn } from "./files.js";
import { classes, guessed } from "./labels.js";
import { type Pipeline, required, says } from "./pipeline.js";

const MOODS = ["neu", "hap", "ang", "sad"];

export const audioClassification: Pipeline = (given) => {
  const sound = soundIn(given);
  if ("refused" in sound) return sound;
  const units = { audioSeconds: sound.seconds };
  return says(classes(MOODS, guessed(MOODS, given.ask.random), given.parameters), units);
};

export const automaticSpeechRecognition: Pipeline = (given) => {
  const sound = soundIn(given);
  if ("refused" in sound) return sound;
  const text = heard(given.ask, sound.seconds);
  const { return_timestamps: timed } = given.parameters;
  const units = { audioSeconds: sound.seconds };
  if (!timed) return says({ text }, units);
  return says({ text, chunks: chunksOf(text, sound.seconds, timed === "word") }, units);
};

/** Words or sentences, each with its share of the time. */
function chunksOf(text: string, seconds: number, byWord: boolean): Json {
  const pieces = text.match(byWord ? /\s*\S+/g : /[^.]+\.?/g) ?? [text];
  let at = 0;
  return pieces.map((piece) => {
    const from = at;
    at += (piece.length / text.length) * seconds;
    return { text: piece, timestamp: [rounded(from), rounded(at)] };
  });
}

const rounded = (seconds: number): number => Math.round(seconds * 100) / 100;

/** The voices of a recording, taken apart; each as long as the whole. */
export const audioToAudio: Pipeline = (given) => {
  const sound = soundIn(given);
  if ("refused" in sound) return sound;
  const voices = ["label_0", "label_1"].map((label) => {
    const made = makeSound(given.ask, sound.seconds, "flac");
    return { label, blob: base64(made), "content-type": made.type };
  });
  return says(voices, { audioSeconds: sound.seconds });
};

/** FLAC on every recording. */
export const textToSpeech: Pipeline = ({ ask, inputs }) => {
  if (!isString(inputs)) return required("inputs");
  const media = makeSound(ask, speechSeconds(inputs), "flac");
  const units = { audioSeconds: media.seconds, characters: inputs.length };
  return { body: { media }, units };
};

/** Music has a length of its own, whatever the prompt's. */
export const textToAudio: Pipeline = ({ ask, inputs }) => {
  if (!isString(inputs)) return required("inputs");
  const media = makeSound(ask, MUSIC_SECONDS, "flac");
  return { body: { media }, units: { audioSeconds: media.seconds, characters: inputs.length } };
};

const MUSIC_SECONDS = 5;
