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
    if (text.length > SHARED_TEXT_CHARS_MAX) return read(text);
    if (known.size >= textsMax) known.clear();
    const own = copyOf(text);
    const value = read(own);
    known.set(own, value);
    return value;
  };
}

/** A text that was cut out of another one keeps all of that alive. */
const copyOf = (text: string): string => Buffer.from(text, "utf16le").toString("utf16le");
