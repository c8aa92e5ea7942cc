/** Tells the messages that nearly all chats are made of, a role and a text each, where they stand. */
import { MESSAGES_MAX, NAME_CHARS_MAX } from "../kernel/limits.js";
import { standsAt } from "../kernel/span.js";
import type { JsonObject } from "../tasks/json-object.js";
import {
  BACKSLASH,
  CLOSE_BRACE,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  skipColon,
  skipSpace,
  skipString,
  skipValue,
} from "./json-scan.js";

const ROLE = '"role"';
const CONTENT = '"content"';

/** Whether a member is a list of such messages and nothing else, which then want no closer look. */
export function arePlainMessages(body: JsonObject, nth: number): boolean {
  const { bytes } = body;
  if (nth < 0 || bytes[body.valueStartOf(nth)] !== OPEN_BRACKET) return false;
  let at = body.valueStartOf(nth);
  for (let count = 0; count < MESSAGES_MAX; count++) {
    const message = skipSpace(bytes, at + 1);
    const end = endOfPlain(bytes, message);
    if (end < 0) return false;
    at = skipSpace(bytes, end);
    if (bytes[at] !== COMMA) return true;
  }
  return false;
}

/** Where a message ends; -1 for one that is not plain. A name may stand twice here, as with `JSON.parse`: the last counts. */
function endOfPlain(bytes: Buffer, start: number): number {
  if (bytes[start] !== OPEN_BRACE) return -1;
  let hasRole = false;
  let hasContent = false;
  let at = start;
  do {
    const name = skipSpace(bytes, at + 1);
    if (bytes[name] !== QUOTE) return -1;
    const nameEnd = skipString(bytes, name);
    const value = skipColon(bytes, nameEnd);
    const end = skipValue(bytes, value, 0);
    const isText = bytes[value] === QUOTE;
    if (standsAt(bytes, name, ROLE)) hasRole = isText && end - value - 2 <= NAME_CHARS_MAX;
    else if (standsAt(bytes, name, CONTENT)) hasContent = isText;
    // Spelled with escapes it could be one of the two.
    else if (bytes.subarray(name, nameEnd).includes(BACKSLASH)) return -1;
    at = skipSpace(bytes, end);
  } while (bytes[at] === COMMA);
  return hasRole && hasContent && bytes[at] === CLOSE_BRACE ? at + 1 : -1;
}
