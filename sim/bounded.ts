type Limits = { readonly entries: number; readonly bytes?: number };

/** A map that forgets its oldest entries when there are too many, or when together they are too large. */
export function boundedMap<Value>(limits: Limits, bytesOf: (value: Value) => number = () => 0) {
  const entries = new Map<string, Value>();
  let bytes = 0;
  return {
    get: (key: string): Value | undefined => entries.get(key),
    set(key: string, value: Value): void {
      const before = entries.get(key);
      if (before !== undefined) bytes -= bytesOf(before);
      entries.set(key, value);
      bytes += bytesOf(value);
      for (const [oldest, old] of entries) {
        const tooMany = entries.size > limits.entries;
        if (oldest === key || !(tooMany || bytes > (limits.bytes ?? Infinity))) return;
        entries.delete(oldest);
        bytes -= bytesOf(old);
      }
    },
    clear(): void {
      entries.clear();
      bytes = 0;
    },
  };
}
