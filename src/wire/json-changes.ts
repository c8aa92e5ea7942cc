/** A few members of an object changed, and the rest untouched, byte for byte: numbers keep their digits, members their order. */

import { Spliced } from "../kernel/content.js";
import { assert } from "../kernel/errors.js";
import type { Span } from "../kernel/span.js";
import type { Changes, JsonObject, Member } from "../tasks/json-object.js";
import { COMMA, isSpace, skipSpace } from "./json-scan.js";

/** The object with the value of one member in place of what it was. */
export function withMember(object: JsonObject, name: string, value: Uint8Array): Spliced {
  const nth = object.indexOf(name);
  assert(nth >= 0, "a member that is there");
  return new Spliced(object, object.valueStartOf(nth), object.endOf(nth), [value]);
}

/** The object with members replaced, left out, or added at the end. */
export function withChanges(object: JsonObject, changes: Changes): Buffer {
  const edits: Edit[] = [];
  let added = "";
  let kept = object.count;
  for (const [name, value] of changes) {
    const member = object.get(name);
    if (member && value !== undefined) {
      edits.push({ start: member.valueStart, end: member.end, by: value });
    } else if (member) {
      edits.push(removal(object.bytes, member));
      kept--;
    } else if (value !== undefined) {
      added += `,${JSON.stringify(name)}:${value}`;
    }
  }
  if (added !== "") {
    const close = object.bytes.lastIndexOf("}", object.end - 1);
    edits.push({ start: close, end: close, by: kept > 0 ? added : added.slice(1) });
  }
  return edited(object, edits);
}

type Edit = { readonly start: number; readonly end: number; readonly by: string };

function edited({ bytes, start, end }: Span, edits: Edit[]): Buffer {
  if (edits.length > 1) edits.sort((a, b) => a.start - b.start);
  const parts: Buffer[] = [];
  let done = start;
  for (const edit of edits) {
    // Two removed neighbours can claim the same comma.
    parts.push(bytes.subarray(done, Math.max(done, edit.start)), Buffer.from(edit.by));
    done = Math.max(done, edit.end);
  }
  return Buffer.concat([...parts, bytes.subarray(done, end)]);
}

/** The member with one neighbouring comma: the one after it, or for the last member the one before. */
function removal(bytes: Buffer, member: Member): Edit {
  const after = skipSpace(bytes, member.end);
  if (bytes[after] === COMMA) {
    return { start: member.start, end: skipSpace(bytes, after + 1), by: "" };
  }
  let before = member.start - 1;
  while (isSpace(bytes[before])) before--;
  const start = bytes[before] === COMMA ? before : member.start;
  return { start, end: member.end, by: "" };
}
