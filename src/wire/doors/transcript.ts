/** What was said and when, out of a recognizer's answer, and its written forms. */
import type { Json } from "../../tasks/task-call.js";
import { asObject } from "../as-object.js";
import { unreadable } from "./print.js";

export type Cue = { readonly start: number; readonly end: number; readonly text: string };

export type Transcript = {
  readonly text: string;
  /** In seconds, in the order they were said. */
  readonly cues: readonly Cue[];
  /** How long it lasts: as measured, or until the last word. */
  readonly seconds: number;
};

const NANOSECONDS = 1e9;

/** `{text, chunks?: [{text, timestamp: [start, end]}]}`; `nanoseconds` is the sound's length where it was measured. */
export function transcriptOf(json: unknown, nanoseconds: number | undefined): Transcript {
  const answer = asObject(json);
  const text = answer?.text;
  if (typeof text !== "string") throw unreadable("it holds no text");
  const measured = nanoseconds === undefined ? undefined : nanoseconds / NANOSECONDS;
  const chunks = Array.isArray(answer?.chunks) ? answer.chunks.map((chunk) => asObject(chunk)) : [];
  const starts = chunks.map((chunk) => secondsAt(chunk, 0));
  const cues = chunks.map((chunk, i): Cue => {
    const start = starts[i] ?? 0;
    // Recognizers leave the last end open where the sound breaks off.
    const end = secondsAt(chunk, 1) ?? starts[i + 1] ?? measured ?? start;
    return { start, end: Math.max(start, end), text: String(chunk?.text ?? "") };
  });
  const seconds = measured ?? Math.max(0, ...cues.map(({ end }) => end));
  // Without any times all of it is one cue, which is true of it at least.
  const whole = text.trim() === "" ? [] : [{ start: 0, end: seconds, text }];
  return { text, cues: cues.length > 0 ? cues : whole, seconds };
}

function secondsAt(chunk: Json | undefined, i: 0 | 1): number | undefined {
  const { timestamp } = chunk ?? {};
  const value: unknown = Array.isArray(timestamp) ? timestamp[i] : undefined;
  return typeof value === "number" && value >= 0 ? value : undefined;
}

export const toSrt = ({ cues }: Transcript): string =>
  cues
    .map(
      ({ start, end, text }, i) =>
        `${i + 1}\n${clock(start, ",")} --> ${clock(end, ",")}\n${line(text)}\n\n`,
    )
    .join("");

export const toVtt = ({ cues }: Transcript): string =>
  `WEBVTT\n\n${cues
    .map(({ start, end, text }) => `${clock(start, ".")} --> ${clock(end, ".")}\n${line(text)}\n\n`)
    .join("")}`;

/** A blank line would end the cue, and an arrow would begin one. */
const line = (text: string): string =>
  text
    .trim()
    .replace(/\s*\n\s*/g, " ")
    .replaceAll("-->", "->");

/** 00:01:02,345 */
function clock(seconds: number, point: "," | "."): string {
  const ms = Math.round(seconds * 1000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const [hours, minutes] = [ms / 3_600_000, (ms / 60_000) % 60];
  return `${two(hours)}:${two(minutes)}:${two((ms / 1000) % 60)}${point}${String(ms % 1000).padStart(3, "0")}`;
}
