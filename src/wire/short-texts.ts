/**
 * Names of members, ids of models and their like, each one text wherever it stands: bodies and answers have the same few
 * again and again, and cutting one out costs more than telling that it is one of these.
 */
import { standsAt } from "../kernel/span.js";

const SLOTS = 4096;
const CHARS_MAX = 64;
const BACKSLASH = 92;
const DELETE = 127;
const known: (string | undefined)[] = new Array(SLOTS).fill(undefined);

/** The string of JSON between two places, which are those just inside its quotes. */
export function shortTextAt(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  let hash = length;
  let isPlain = length <= CHARS_MAX;
  for (let at = start; isPlain && at < end; at++) {
    const byte = bytes[at] ?? 0;
    hash = (Math.imul(hash, 31) + byte) | 0;
    isPlain = byte < DELETE && byte !== BACKSLASH;
  }
  if (!isPlain) return JSON.parse(bytes.toString("utf8", start - 1, end + 1));
  const slot = hash & (SLOTS - 1);
  const there = known[slot];
  if (there?.length === length && standsAt(bytes, start, there)) return there;
  const text = bytes.toString("latin1", start, end);
  known[slot] = text;
  return text;
}
