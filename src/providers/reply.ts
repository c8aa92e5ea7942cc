/** Reading JSON of providers, which may be anything: what is missing is a malformed reply, not a guess. */

export class MalformedReply extends Error {}

type Key = string | number;

/** What stands at a path; undefined where nothing does. */
export function at(json: unknown, ...path: readonly Key[]): unknown {
  let value = json;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** Text that must be there, and not be empty. */
export function textAt(json: unknown, ...path: readonly Key[]): string {
  const value = at(json, ...path);
  if (typeof value === "string" && value !== "") return value;
  throw new MalformedReply(`no text at ${path.join(".")}`);
}

export function listAt(json: unknown, ...path: readonly Key[]): readonly unknown[] {
  const value = at(json, ...path);
  if (Array.isArray(value)) return value;
  throw new MalformedReply(`no list at ${path.join(".") || "the top"}`);
}
