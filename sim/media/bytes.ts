/** Small helpers for writing binary formats. */
export type Bytes = Uint8Array<ArrayBuffer>;

export const concat = (...parts: readonly Uint8Array[]): Bytes => {
  const made = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made;
};

export const ascii = (text: string): Bytes => Uint8Array.from(text, (char) => char.charCodeAt(0));

const big = (size: number) => (value: number) => {
  const made = new Uint8Array(size);
  let left = value;
  for (let i = size - 1; i >= 0; i -= 1) {
    made[i] = left % 256;
    left = Math.floor(left / 256);
  }
  return made;
};

export const u8 = (...values: readonly number[]): Bytes => Uint8Array.from(values);
export const u16 = big(2);
export const u24 = big(3);
export const u32 = big(4);
/** Little-endian. */
export const l16 = (value: number): Bytes => u16(value).reverse();
export const l32 = (value: number): Bytes => u32(value).reverse();

/** Bytes that do not compress and repeat only by seed. */
export function noise(length: number, seed: number): Bytes {
  const made = new Uint8Array(length);
  let state = (seed | 1) >>> 0;
  for (let i = 0; i < length; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    made[i] = state >>> 24;
  }
  return made;
}

/** Writes bits, most significant first. */
export function bitWriter(sizeMax: number) {
  const made = new Uint8Array(sizeMax);
  let at = 0;
  let held = 0;
  let count = 0;
  return {
    put(value: number, bits: number) {
      for (let i = bits - 1; i >= 0; i -= 1) {
        held = (held << 1) | ((value >>> i) & 1);
        count += 1;
        if (count < 8) continue;
        made[at] = held;
        at += 1;
        held = 0;
        count = 0;
      }
    },
    /** The bytes so far, the last one filled up with `fill` bits. */
    end(fill: 0 | 1): Bytes {
      while (count > 0) this.put(fill, 1);
      return made.slice(0, at);
    },
  };
}
