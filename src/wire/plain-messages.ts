/** Tells the messages that nearly all chats are made of, a role and a text each, while they are gone through. */
import { MESSAGES_MAX, NAME_CHARS_MAX } from "../kernel/limits.js";
import { standsAt } from "../kernel/span.js";
import type { UsualForm } from "./json-object.js";
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
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
/** How many arrays and objects are open around what a message holds: the body, its messages, and itself. */
const DEPTH = 3;

/** A list of such messages, and of nothing else. */
export const PLAIN_MESSAGES: UsualForm = { name: "messages", endOf: endOfAll };

function endOfAll(bytes: Buffer, start: number): number {
  if (bytes[start] !== OPEN_BRACKET) return -1;
  let at = start;
  for (let count = 0; count < MESSAGES_MAX; count++) {
    const end = endOfPlain(bytes, skipSpace(bytes, at + 1));
    if (end < 0) return -1;
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE_BRACKET) return at + 1;
    if (bytes[at] !== COMMA) return -1;
  }
  return -1;
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
    const end = skipValue(bytes, value, DEPTH);
    const isText = bytes[value] === QUOTE;
    if (standsAt(bytes, name, ROLE)) hasRole = isText && end - value - 2 <= NAME_CHARS_MAX;
    else if (standsAt(bytes, name, CONTENT)) hasContent = isText;
    // Spelled with escapes it could be one of the two.
    else if (bytes.subarray(name, nameEnd).includes(BACKSLASH)) return -1;
    at = skipSpace(bytes, end);
  } while (bytes[at] === COMMA);
  return hasRole && hasContent && bytes[at] === CLOSE_BRACE ? at + 1 : -1;
}
