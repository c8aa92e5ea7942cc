/**
 * The members of a JSON object as places in its text, so that a few can be changed and the rest sent on
 * untouched, byte for byte: numbers keep their digits, members their order.
 */
import { badRequest } from "../kernel/errors.js";
import { JSON_DEPTH_MAX } from "../kernel/limits.js";
import type { BodyChanges, Member, Members } from "../tasks/chat-completion.js";

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
  const members = new Map<string, Member>();
  let at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== OPEN_BRACE) throw badRequest("The body must be a JSON object.");
  at = skipSpace(text, at + 1);
  while (text.charCodeAt(at) !== CLOSE_BRACE) {
    const member = readMember(text, at);
    const name = nameOf(text, member.start);
    if (members.has(name))
      throw badRequest(`The body has "${name.slice(0, 64)}" twice.`, name.slice(0, 64));
    members.set(name, member);
    at = skipSpace(text, member.end);
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
    else if (text.charCodeAt(at) !== CLOSE_BRACE) throw truncated();
  }
  return members;
}

/** The text with members replaced, left out, or added at the end. */
export function withChanges(text: string, members: Members, changes: BodyChanges): string {
  if (changes.size === 0) return text;
  const edits: { start: number; end: number; by: string }[] = [];
  let added = "";
  for (const [name, value] of changes) {
    const member = members.get(name);
    if (member && value !== undefined)
      edits.push({ start: member.valueStart, end: member.end, by: value });
    else if (member) edits.push({ ...withComma(text, member), by: "" });
    else if (value !== undefined) added += `,${JSON.stringify(name)}:${value}`;
  }
  edits.sort((a, b) => a.start - b.start);
  let result = "";
  let done = 0;
  for (const edit of edits) {
    result += text.slice(done, edit.start) + edit.by;
    done = edit.end;
  }
  const close = text.lastIndexOf("}");
  result += text.slice(done, close);
  return result + (isEmptyObject(result) ? added.slice(1) : added) + text.slice(close);
}

/** The member with one neighbouring comma: the one after it, or for the last member the one before. */
function withComma(text: string, member: Member): { start: number; end: number } {
  const after = skipSpace(text, member.end);
  if (text.charCodeAt(after) === COMMA)
    return { start: member.start, end: skipSpace(text, after + 1) };
  let before = member.start - 1;
  while (isSpace(text.charCodeAt(before))) before--;
  return { start: text.charCodeAt(before) === COMMA ? before : member.start, end: member.end };
}

const isEmptyObject = (text: string): boolean => /^\s*\{\s*$/.test(text);

function readMember(text: string, start: number): Member {
  if (text.charCodeAt(start) !== QUOTE) throw truncated();
  const colon = skipSpace(text, skipString(text, start));
  if (text.charCodeAt(colon) !== COLON) throw truncated();
  const valueStart = skipSpace(text, colon + 1);
  const end = skipValue(text, valueStart);
  if (end === valueStart) throw truncated();
  return { start, valueStart, end };
}

function nameOf(text: string, start: number): string {
  const raw = text.slice(start, skipString(text, start));
  return raw.includes("\\") ? parseName(raw) : raw.slice(1, -1);
}

function parseName(raw: string): string {
  try {
    return String(JSON.parse(raw));
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
