/** JSON objects as places in the bytes they came in. */

import { assert, badRequest, type RouterError } from "../kernel/errors.js";
import { type Span, spanOf, textOf } from "../kernel/span.js";
import type { JsonObject } from "../tasks/json-object.js";
import {
  CLOSE_BRACE,
  COMMA,
  isDigit,
  JsonFault,
  LETTER_F,
  LETTER_N,
  LETTER_T,
  OPEN_BRACE,
  QUOTE,
  skipColon,
  skipSpace,
  skipString,
  skipValue,
  ZERO,
} from "./json-scan.js";
import { shortTextAt } from "./short-texts.js";

/**
 * Finds the members of an object, and checks all of its JSON. Throws a RouterError for anything but an object, for
 * nesting beyond the limit, and for a name given twice, which two readers could take two ways.
 */
export function readObject(span: Span, usual?: UsualForm): JsonObject {
  try {
    return readMembers(span, usual);
  } catch (thrown) {
    throw thrown instanceof JsonFault ? notJsonAt(span, thrown.at) : thrown;
  }
}

/** What the value of a member mostly looks like: where it ends, or -1 for one that looks otherwise. */
export type UsualForm = {
  readonly name: string;
  readonly endOf: (bytes: Buffer, at: number) => number;
};

function readMembers({ bytes, start, end }: Span, usual: UsualForm | undefined): JsonObject {
  const object = new MemberList(bytes, start, end, usual);
  let at = skipSpace(bytes, start);
  if (bytes[at] !== OPEN_BRACE) throw badRequest("The body must be a JSON object.");
  at = skipSpace(bytes, at + 1);
  if (bytes[at] !== CLOSE_BRACE) at = object.readAll(at);
  const after = skipSpace(bytes, at + 1);
  // What stands behind `end` belongs to somebody else.
  if (at >= end || after < end) throw new JsonFault(Math.min(after, end));
  return object;
}

/**
 * Two arrays rather than a map of objects: every request and every answer has its members found. They are made as long
 * as nearly all need, since an array that grows is copied again and again.
 */
class MemberList implements JsonObject {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  count = 0;
  private readonly names: string[] = new Array(MEMBERS_USUAL);
  /** Three to a member: where it starts, where its value starts, where it ends. */
  private readonly places: number[] = new Array(3 * MEMBERS_USUAL);
  /** Only for objects so wide that looking through the names would take long. */
  private seen: Set<string> | undefined;
  private readonly usual: UsualForm | undefined;
  isUsual = false;

  constructor(bytes: Buffer, start: number, end: number, usual: UsualForm | undefined) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.usual = usual;
  }

  /** From the first name to the closing brace. */
  readAll(first: number): number {
    const { bytes } = this;
    let at = first;
    for (;;) {
      at = skipSpace(bytes, this.read(at));
      if (bytes[at] === CLOSE_BRACE) return at;
      if (bytes[at] !== COMMA) throw new JsonFault(at);
      at = skipSpace(bytes, at + 1);
    }
  }

  private read(start: number): number {
    const { bytes } = this;
    const nameEnd = skipString(bytes, start);
    const name = shortTextAt(bytes, start + 1, nameEnd - 1);
    const valueStart = skipColon(bytes, nameEnd);
    const end = this.endOfValue(name, valueStart);
    if (!this.add(name, start, valueStart, end)) {
      const shown = name.slice(0, 64);
      throw badRequest(`The body has "${shown}" twice.`, shown);
    }
    return end;
  }

  private endOfValue(name: string, valueStart: number): number {
    const { usual, bytes } = this;
    const end = usual?.name === name ? usual.endOf(bytes, valueStart) : -1;
    if (end < 0) return skipValue(bytes, valueStart, 1);
    this.isUsual = true;
    return end;
  }

  /** False when there is one of that name already. */
  private add(name: string, start: number, valueStart: number, end: number): boolean {
    const { count, places } = this;
    if (count === NAMES_TO_LOOK_THROUGH) this.seen = new Set(this.names);
    if (this.seen ? this.seen.has(name) : this.has(name)) return false;
    this.seen?.add(name);
    this.names[count] = name;
    places[3 * count] = start;
    places[3 * count + 1] = valueStart;
    places[3 * count + 2] = end;
    this.count++;
    return true;
  }

  has(name: string): boolean {
    return this.indexOf(name) >= 0;
  }

  indexOf(name: string): number {
    for (let nth = 0; nth < this.count; nth++) if (this.names[nth] === name) return nth;
    return -1;
  }

  nameOf(nth: number): string {
    return this.names[nth] ?? "";
  }

  startOf(nth: number): number {
    return this.placeAt(nth * 3);
  }

  valueStartOf(nth: number): number {
    return this.placeAt(nth * 3 + 1);
  }

  endOf(nth: number): number {
    return this.placeAt(nth * 3 + 2);
  }

  private placeAt(index: number): number {
    const place = this.places[index];
    assert(place !== undefined, "three a name");
    return place;
  }
}

const MEMBERS_USUAL = 8;
const NAMES_TO_LOOK_THROUGH = 64;

/** The text of a member's value; undefined when it is missing or null. */
export function memberText(object: JsonObject, name: string): string | undefined {
  const nth = object.indexOf(name);
  if (nth < 0) return undefined;
  const value = object.bytes.toString("utf8", object.valueStartOf(nth), object.endOf(nth));
  return value === "null" ? undefined : value;
}

export const isNull = (object: JsonObject, nth: number): boolean =>
  object.bytes[object.valueStartOf(nth)] === LETTER_N;

/** What `JSON.parse` makes of a member's value; undefined when it is missing. */
export function memberValue(object: JsonObject, name: string): unknown {
  const nth = object.indexOf(name);
  return nth < 0 ? undefined : valueAt(object, nth);
}

/** The same of the member that is the nth. What is short, as most are, is told without making a text of it. */
export function valueAt(object: JsonObject, nth: number): unknown {
  const { bytes } = object;
  const start = object.valueStartOf(nth);
  const end = object.endOf(nth);
  const first = bytes[start];
  if (first === QUOTE) return shortTextAt(bytes, start + 1, end - 1);
  if (first === LETTER_T || first === LETTER_F) return first === LETTER_T;
  const number = shortNumber(bytes, start, end);
  return number >= 0 ? number : JSON.parse(bytes.toString("utf8", start, end));
}

const SHORT_DIGITS = 9;

/** -1 for what is no number of a few digits. */
function shortNumber(bytes: Buffer, start: number, end: number): number {
  if (end - start > SHORT_DIGITS) return -1;
  let number = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (!isDigit(byte)) return -1;
    number = number * 10 + (byte ?? 0) - ZERO;
  }
  return number;
}

function notJsonAt({ start, end }: Span, at: number): RouterError {
  const where = at >= end ? "it breaks off" : `it goes wrong at byte ${at - start}`;
  return badRequest(`The body is not valid JSON: ${where}.`);
}

/** What `JSON.parse` gives, of a text that is an object, not nested beyond the limit and without a name given twice. */
export function parseObject(text: string): Readonly<Record<string, unknown>> {
  const object = readObject(spanOf(text));
  return JSON.parse(textOf(object)) as Readonly<Record<string, unknown>>;
}
