import { SHARED_TEXT_CHARS_MAX, SHARED_TEXTS_MAX } from "./limits.js";

/**
 * Reads each text once, for texts that come again and again. Long ones are read each time, and all are forgotten once
 * there are too many: whoever sends others on purpose is not to fill the memory.
 */
export function readOnce<Value>(
  read: (text: string) => Value,
  textsMax = SHARED_TEXTS_MAX,
): (text: string) => Value {
  const known = new Map<string, Value>();
  return (text) => {
    const there = known.get(text);
    if (there !== undefined) return there;
    const value = read(text);
    if (text.length > SHARED_TEXT_CHARS_MAX) return value;
    if (known.size >= textsMax) known.clear();
    known.set(text, value);
    return value;
  };
}
