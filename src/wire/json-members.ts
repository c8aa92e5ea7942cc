/**
 * The members of a JSON object as places in its text, so that a few can be changed and the rest sent on
 * untouched, byte for byte: numbers keep their digits, members their order.
 */
import { assert, badRequest } from "../kernel/errors.js";
import { JSON_DEPTH_MAX } from "../kernel/limits.js";
import type { BodyChanges, Member, Members } from "../tasks/chat-completion.js";
import { nameAt } from "./member-names.js";

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const BACKSLASH = 92;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/**
 * Finds the top-level members of an object. It checks only as much of the syntax as it needs; `JSON.parse`
 * does the rest. Throws a RouterError for anything but an object, for nesting beyond the limit, and for a name
 * given twice, which two readers could take two ways.
 */
export function membersOf(text: string): Members {
  const members = new MemberList();
  let at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== OPEN_BRACE) throw badRequest("The body must be a JSON object.");
  at = skipSpace(text, at + 1);
  while (text.charCodeAt(at) !== CLOSE_BRACE) {
    const nameEnd = skipString(text, at);
    const name = nameOf(nameAt(text, at + 1, nameEnd - 1));
    const valueStart = startOfValue(text, nameEnd);
    const end = skipValue(text, valueStart);
    if (end === valueStart) throw truncated();
    if (!members.add(name, at, valueStart, end))
      throw badRequest(`The body has "${name.slice(0, 64)}" twice.`, name.slice(0, 64));
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
    else if (text.charCodeAt(at) !== CLOSE_BRACE) throw truncated();
  }
  return members;
}

/** Two arrays rather than a map of objects: every request and every answer has its members found. */
class MemberList implements Members {
  private readonly names: string[] = [];
  /** Three to a member: where it starts, where its value starts, where it ends. */
  private readonly places: number[] = [];
  /** Only for objects so wide that looking through the names would take long. */
  private seen: Set<string> | undefined;

  get count(): number {
    return this.names.length;
  }

  /** False when there is one of that name already. */
  add(name: string, start: number, valueStart: number, end: number): boolean {
    if (this.names.length === NAMES_TO_LOOK_THROUGH) this.seen = new Set(this.names);
    if (this.seen ? this.seen.has(name) : this.names.includes(name)) return false;
    this.seen?.add(name);
    this.names.push(name);
    this.places.push(start, valueStart, end);
    return true;
  }

  has(name: string): boolean {
    return this.names.includes(name);
  }

  indexOf(name: string): number {
    return this.names.indexOf(name);
  }

  valueStartOf(nth: number): number {
    return this.placeAt(nth * 3 + 1);
  }

  endOf(nth: number): number {
    return this.placeAt(nth * 3 + 2);
  }

  get(name: string): Member | undefined {
    const nth = this.names.indexOf(name);
    if (nth < 0) return undefined;
    const start = this.placeAt(nth * 3);
    return { start, valueStart: this.valueStartOf(nth), end: this.endOf(nth) };
  }

  private placeAt(index: number): number {
    const place = this.places[index];
    assert(place !== undefined, "three a name");
    return place;
  }
}

const NAMES_TO_LOOK_THROUGH = 64;

/** The text with the value of one member in place of what it was, or added at the end. */
export function withMember(text: string, members: Members, name: string, value: string): string {
  const nth = members.indexOf(name);
  if (nth < 0) return withChanges(text, members, new Map([[name, value]]));
  return text.slice(0, members.valueStartOf(nth)) + value + text.slice(members.endOf(nth));
}

/** The text with members replaced, left out, or added at the end. */
export function withChanges(text: string, members: Members, changes: BodyChanges): string {
  if (changes.size === 0) return text;
  const edits: Edit[] = [];
  let added = "";
  let kept = members.count;
  for (const [name, value] of changes) {
    const member = members.get(name);
    if (member && value !== undefined) {
      edits.push({ start: member.valueStart, end: member.end, by: value });
    } else if (member) {
      edits.push(removal(text, member));
      kept--;
    } else if (value !== undefined) {
      added += `,${JSON.stringify(name)}:${value}`;
    }
  }
  if (added !== "") {
    const close = text.lastIndexOf("}");
    edits.push({ start: close, end: close, by: kept > 0 ? added : added.slice(1) });
  }
  return edited(text, edits);
}

type Edit = { readonly start: number; readonly end: number; readonly by: string };

function edited(text: string, edits: Edit[]): string {
  if (edits.length > 1) edits.sort((a, b) => a.start - b.start);
  let result = "";
  let done = 0;
  for (const edit of edits) {
    // Two removed neighbours can claim the same comma.
    result += text.slice(done, Math.max(done, edit.start)) + edit.by;
    done = Math.max(done, edit.end);
  }
  return result + text.slice(done);
}

/** The member with one neighbouring comma: the one after it, or for the last member the one before. */
function removal(text: string, member: Member): Edit {
  const after = skipSpace(text, member.end);
  if (text.charCodeAt(after) === COMMA) {
    return { start: member.start, end: skipSpace(text, after + 1), by: "" };
  }
  let before = member.start - 1;
  while (isSpace(text.charCodeAt(before))) before--;
  const start = text.charCodeAt(before) === COMMA ? before : member.start;
  return { start, end: member.end, by: "" };
}

function startOfValue(text: string, nameEnd: number): number {
  const colon = skipSpace(text, nameEnd);
  if (text.charCodeAt(colon) !== COLON) throw truncated();
  return skipSpace(text, colon + 1);
}

/** `raw` as it stands between the quotes. */
const nameOf = (raw: string): string => (raw.includes("\\") ? parseName(raw) : raw);

function parseName(raw: string): string {
  try {
    return String(JSON.parse(`"${raw}"`));
  } catch (cause) {
    throw notJson(cause);
  }
}

function skipValue(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === QUOTE) return skipString(text, start);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipNested(text, start);
  let at = start;
  while (at < text.length && !isEndOfScalar(text.charCodeAt(at))) at++;
  return at;
}

function skipNested(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = skipString(text, at) - 1;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      // The object around counts as the first level.
      if (++depth >= JSON_DEPTH_MAX) {
        throw badRequest(`The body is nested deeper than ${JSON_DEPTH_MAX} levels.`);
      }
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      if (--depth === 0) return at + 1;
    }
  }
  throw truncated();
}

/** From an opening quote to just after its closing one. */
function skipString(text: string, start: number): number {
  if (text.charCodeAt(start) !== QUOTE) throw truncated();
  let at = start;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) throw truncated();
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

const isSpace = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9;
const isEndOfScalar = (code: number): boolean =>
  code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET || isSpace(code);

const truncated = () =>
  badRequest("The body is not valid JSON: it breaks off or lacks a comma or colon.");

/** For text that `JSON.parse` refused. Its message may quote the body, so it is not passed on. */
export const notJson = (cause: unknown) => {
  const error = badRequest("The body is not valid JSON.");
  error.cause = cause;
  return error;
};
