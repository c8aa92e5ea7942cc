/**
 * JSON in one form only, as RFC 8785 has it for what stands in our documents: no blanks, members in the order of
 * their names. Equal values print as equal bytes, so that anybody can check a signature over them.
 */
import { JSON_DEPTH_MAX } from "./limits.js";

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

/** Throws RangeError for what is nested deeper than we ever write. */
export function canonicalJson(value: Json, depth = 0): string {
  if (depth > JSON_DEPTH_MAX) throw new RangeError(`nested deeper than ${JSON_DEPTH_MAX}`);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map((item) => canonicalJson(item, depth + 1)).join(",")}]`;
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member, depth + 1)}`);
  return `{${members.join(",")}}`;
}

const isList = (value: object): value is readonly Json[] => Array.isArray(value);
