/**
 * Goes through JSON where it stands and makes nothing of it. Each function takes the place where something begins, and
 * returns the one after it; what `JSON.parse` would refuse is refused, and so is what is nested too deep. Loops end with the buffer: once a place beyond it
 * was read, the engine takes the slow way with every byte.
 */
import { badRequest } from "../kernel/errors.js";
import { JSON_DEPTH_MAX } from "../kernel/limits.js";
import { standsAt } from "../kernel/span.js";

/** What stands at `at` cannot stand there in JSON. */
export class JsonFault extends Error {
  readonly at: number;

  constructor(at: number) {
    super("not valid JSON");
    this.at = at;
  }
}

export const QUOTE = 34;
const PLUS = 43;
export const COMMA = 44;
export const MINUS = 45;
const POINT = 46;
export const ZERO = 48;
const COLON = 58;
export const OPEN_BRACKET = 91;
export const BACKSLASH = 92;
export const CLOSE_BRACKET = 93;
export const LETTER_F = 102;
export const LETTER_N = 110;
export const LETTER_T = 116;
export const OPEN_BRACE = 123;
export const CLOSE_BRACE = 125;
const SPACE = 32;
const ESCAPED = new Set([...'"\\/bfnrt'].map((letter) => letter.charCodeAt(0)));
const LITERALS = ["true", "false", "null"];
const UNICODE_ESCAPE = /^u[0-9a-f]{4}$/i;

/** `depth`: how many arrays and objects are open around it. */
export function skipValue(bytes: Buffer, at: number, depth: number): number {
  const first = bytes[at];
  if (first === QUOTE) return skipString(bytes, at);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipNested(bytes, at, depth + 1);
  if (isDigit(first) || first === MINUS) return skipNumber(bytes, at);
  return skipLiteral(bytes, at);
}

/** From an opening quote to just after its closing one. */
export function skipString(bytes: Buffer, start: number): number {
  if (bytes[start] !== QUOTE) throw new JsonFault(start);
  let at = start + 1;
  for (;;) {
    at = skipLetters(bytes, at);
    if (bytes[at] === QUOTE) return at + 1;
    if (bytes[at] !== BACKSLASH) throw new JsonFault(at);
    at = skipEscape(bytes, at);
  }
}

/** As far as nothing needs a look of its own. Four at a time, since most of what comes in is inside of strings. */
function skipLetters(bytes: Buffer, start: number): number {
  const last = bytes.length - 4;
  let at = start;
  while (at <= last && areLetters(bytes, at)) at += 4;
  while (at < bytes.length && isSpecial(bytes, at) === 0) at++;
  return at;
}

const areLetters = (bytes: Buffer, at: number): boolean =>
  (isSpecial(bytes, at) |
    isSpecial(bytes, at + 1) |
    isSpecial(bytes, at + 2) |
    isSpecial(bytes, at + 3)) ===
  0;

const isSpecial = (bytes: Buffer, at: number): number => SPECIAL[bytes[at] ?? 0] ?? 1;

/** Quotes, backslashes, and line breaks and their like, which stand in strings as escapes alone. */
const SPECIAL = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < SPACE || byte === QUOTE || byte === BACKSLASH ? 1 : 0,
);

/** From the end of a member's name to its value. */
export function skipColon(bytes: Buffer, nameEnd: number): number {
  const colon = skipSpace(bytes, nameEnd);
  if (bytes[colon] !== COLON) throw new JsonFault(colon);
  return skipSpace(bytes, colon + 1);
}

export function skipSpace(bytes: Buffer, start: number): number {
  let at = start;
  while (at < bytes.length && isSpace(bytes[at])) at++;
  return at;
}

const isSpace = (byte: number | undefined): boolean =>
  byte === SPACE || byte === 10 || byte === 13 || byte === 9;

function skipNested(bytes: Buffer, start: number, depth: number): number {
  if (depth > JSON_DEPTH_MAX) {
    throw badRequest(`The body is nested deeper than ${JSON_DEPTH_MAX} levels.`);
  }
  const isObject = bytes[start] === OPEN_BRACE;
  const close = isObject ? CLOSE_BRACE : CLOSE_BRACKET;
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === close) return at + 1;
  for (;;) {
    const valueAt = isObject ? skipColon(bytes, skipString(bytes, at)) : at;
    at = skipSpace(bytes, skipValue(bytes, valueAt, depth));
    if (bytes[at] === close) return at + 1;
    if (bytes[at] !== COMMA) throw new JsonFault(at);
    at = skipSpace(bytes, at + 1);
  }
}

function skipEscape(bytes: Buffer, start: number): number {
  if (ESCAPED.has(bytes[start + 1] ?? 0)) return start + 2;
  const end = start + "\\u0000".length;
  if (UNICODE_ESCAPE.test(bytes.toString("latin1", start + 1, end))) return end;
  throw new JsonFault(start);
}

function skipNumber(bytes: Buffer, start: number): number {
  let at = bytes[start] === MINUS ? start + 1 : start;
  // A zero stands alone.
  at = bytes[at] === ZERO ? at + 1 : skipDigits(bytes, at);
  if (bytes[at] === POINT) at = skipDigits(bytes, at + 1);
  if (((bytes[at] ?? 0) | SPACE) !== LETTER_E) return at;
  const sign = bytes[at + 1];
  return skipDigits(bytes, sign === PLUS || sign === MINUS ? at + 2 : at + 1);
}

const LETTER_E = 101;

/** One at least. */
function skipDigits(bytes: Buffer, start: number): number {
  let at = start;
  while (isDigit(bytes[at])) at++;
  if (at === start) throw new JsonFault(at);
  return at;
}

export const isDigit = (byte = 0): boolean => byte >= ZERO && byte <= ZERO + 9;

function skipLiteral(bytes: Buffer, at: number): number {
  for (const literal of LITERALS) if (standsAt(bytes, at, literal)) return at + literal.length;
  throw new JsonFault(at);
}
