/** A few members of an object changed, and the rest untouched, byte for byte: numbers keep their digits, members their order. */

import { Spliced } from "../kernel/content.js";
import { assert } from "../kernel/errors.js";
import type { Span } from "../kernel/span.js";
import type { Changes, JsonObject } from "../tasks/json-object.js";

/** The object with the value of one member in place of what it was. */
export function withMember(object: JsonObject, name: string, value: Uint8Array): Spliced {
  const nth = object.indexOf(name);
  assert(nth >= 0, "a member that is there");
  return new Spliced(object, object.valueStartOf(nth), object.endOf(nth), [value]);
}

/** The object with members replaced, left out, or added at the end. */
export function withChanges(object: JsonObject, changes: Changes): Buffer {
  const lastKept = lastKeptOf(object, changes);
  const edits: Edit[] = [];
  for (let nth = 0; nth <= lastKept; nth++) {
    const value = changes.get(object.nameOf(nth));
    if (value !== undefined) {
      edits.push({ start: object.valueStartOf(nth), end: object.endOf(nth), by: value });
    } else if (isRemoved(object, changes, nth)) {
      // With the comma behind it, as there is one that is kept.
      edits.push({ start: object.startOf(nth), end: object.startOf(nth + 1), by: "" });
    }
  }
  edits.push(ending(object, lastKept, addedBy(object, changes)));
  return edited(object, edits);
}

/** A stretch, and what stands there instead. */
type Edit = { readonly start: number; readonly end: number; readonly by: string };

/** -1 where none is kept. */
function lastKeptOf(object: JsonObject, changes: Changes): number {
  let nth = object.count - 1;
  while (nth >= 0 && isRemoved(object, changes, nth)) nth--;
  return nth;
}

function isRemoved(object: JsonObject, changes: Changes, nth: number): boolean {
  const name = object.nameOf(nth);
  return changes.has(name) && changes.get(name) === undefined;
}

function addedBy(object: JsonObject, changes: Changes): string[] {
  const added: string[] = [];
  for (const [name, value] of changes) {
    if (value !== undefined && !object.has(name)) added.push(`${JSON.stringify(name)}:${value}`);
  }
  return added;
}

/** Whatever stands behind the last member that is kept gives way to what is added. */
function ending(object: JsonObject, lastKept: number, added: readonly string[]): Edit {
  const close = object.bytes.lastIndexOf("}", object.end - 1);
  const end = object.count > 0 ? object.endOf(object.count - 1) : close;
  if (lastKept >= 0) {
    return { start: object.endOf(lastKept), end, by: added.map((each) => `,${each}`).join("") };
  }
  return { start: object.count > 0 ? object.startOf(0) : close, end, by: added.join(",") };
}

function edited({ bytes, start, end }: Span, edits: readonly Edit[]): Buffer {
  const parts: Buffer[] = [];
  let done = start;
  for (const edit of edits) {
    parts.push(bytes.subarray(done, edit.start), Buffer.from(edit.by));
    done = edit.end;
  }
  return Buffer.concat([...parts, bytes.subarray(done, end)]);
}
