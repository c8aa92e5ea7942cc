/**
 * The names of members, each one text wherever it stands: bodies and answers have the same few again and again, and
 * cutting a name out costs more than telling that it is one of these.
 */

const SLOTS = 256;
const CHARS_MAX = 32;
const known: (string | undefined)[] = new Array(SLOTS).fill(undefined);

/** The name between two places of a text. */
export function nameAt(text: string, start: number, end: number): string {
  const length = end - start;
  if (length > CHARS_MAX) return text.slice(start, end);
  let hash = length;
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  const slot = hash & (SLOTS - 1);
  const there = known[slot];
  if (there?.length === length && text.startsWith(there, start)) return there;
  // A text of its own: one that was cut out keeps all of the body alive.
  const name = Buffer.from(text.slice(start, end), "utf16le").toString("utf16le");
  known[slot] = name;
  return name;
}
