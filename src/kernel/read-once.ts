import { SHARED_TEXTS_MAX } from "./limits.js";

/** Reads each text once, as long as there are not too many of them. For texts that come again and again. */
export function readOnce<Value>(read: (text: string) => Value): (text: string) => Value {
  const known = new Map<string, Value>();
  return (text) => {
    const there = known.get(text);
    if (there !== undefined) return there;
    if (known.size >= SHARED_TEXTS_MAX) known.clear();
    const value = read(text);
    known.set(text, value);
    return value;
  };
}
