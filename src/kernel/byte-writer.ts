/**
 * Bytes that are put together in memory which is used again and again: every request is sent on, answered and put on
 * record, and texts that are only made to be written cost more to make than all that stands in them.
 */
const ROOM = 256 * 1024;
/** Longer texts are left to Bun, which is faster with many characters and slower with few. */
const SHORT_CHARS = 256;
const UTF8_BYTES_A_CHAR_MOST = 3;
const NUMBER_CHARS_MAX = 32;
const SPACE = 32;
const QUOTE = 34;
const ZERO = 48;
const BACKSLASH = 92;
const DELETE = 127;
/** So many digits fit into the whole numbers that the engine is fast with. */
const FAST_DIGITS = 9;
const FAST_MAX = 10 ** FAST_DIGITS;

/** Whether it is a whole number, from zero on, that the engine is fast with. */
const isFast = (value: number): boolean => (value | 0) === value && value >= 0 && value < FAST_MAX;

/** What stands between other parts: text, a whole number from zero on in digits, or bytes as they are. */
export type Part = string | number | Uint8Array;

/** Of a whole number from zero on. */
export function countDigits(value: number): number {
  let count = 1;
  for (let power = 10; power <= value; power *= 10) count++;
  return count;
}

/** In bytes; of a text that is all ASCII. */
export function lengthOfPart(part: Part): number {
  return typeof part === "number" ? countDigits(part) : part.length;
}

export const textOfPart = (part: Part): string =>
  part instanceof Uint8Array ? Buffer.from(part).toString("utf8") : String(part);

export class ByteWriter {
  /** What was written stands at its beginning. Another one once it was too small. */
  bytes: Buffer;
  /** How many bytes were written. */
  length = 0;
  private readonly room: number;

  constructor(room = ROOM) {
    this.room = room;
    this.bytes = Buffer.allocUnsafeSlow(room);
  }

  /** All that was written. Good until the next call of anything here. */
  content(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > this.room) this.bytes = Buffer.allocUnsafeSlow(this.room);
  }

  parts(parts: readonly Part[]): void {
    for (const part of parts) {
      if (typeof part === "string") this.text(part);
      else if (typeof part === "number") this.number(part);
      else this.encoded(part);
    }
  }

  /** As it is, in UTF-8. */
  text(text: string): void {
    this.makeRoom(text.length * UTF8_BYTES_A_CHAR_MOST);
    const written = text.length <= SHORT_CHARS ? this.writeAscii(text, false) : -1;
    this.length = written >= 0 ? written : this.length + this.bytes.write(text, this.length);
  }

  /** The same, encoded before. */
  encoded(bytes: Uint8Array): void {
    this.makeRoom(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** What stands in a buffer from `start` to before `end`, which need not be cut out for this. */
  copy(bytes: Buffer, start: number, end: number): void {
    this.makeRoom(end - start);
    this.length += bytes.copy(this.bytes, this.length, start, end);
  }

  /** As JSON writes it. */
  quoted(text: string): void {
    this.makeRoom(text.length + 2);
    const start = this.length;
    this.bytes[start] = QUOTE;
    this.length++;
    const written = text.length <= SHORT_CHARS ? this.writeAscii(text, true) : -1;
    if (written >= 0) {
      this.bytes[written] = QUOTE;
      this.length = written + 1;
    } else {
      this.length = start;
      this.text(JSON.stringify(text));
    }
  }

  number(value: number): void {
    this.makeRoom(NUMBER_CHARS_MAX);
    if (isFast(value)) this.digits(value, 1);
    else this.longNumber(value);
  }

  private longNumber(value: number): void {
    const high = Math.floor(value / FAST_MAX);
    if (Number.isSafeInteger(value) && isFast(high)) {
      this.digits(high, 1);
      this.digits(value - high * FAST_MAX, FAST_DIGITS);
    } else {
      this.text(String(value));
    }
  }

  protected makeRoom(bytes: number): void {
    if (this.bytes.length - this.length >= bytes) return;
    const larger = Buffer.allocUnsafeSlow(2 * this.bytes.length + bytes);
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  /** Where the text ends; -1 for characters that need a closer look. */
  private writeAscii(text: string, isQuoted: boolean): number {
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= DELETE) return -1;
      if (isQuoted && (code < SPACE || code === QUOTE || code === BACKSLASH)) return -1;
      bytes[at++] = code;
    }
    return at;
  }

  /** A whole number below `FAST_MAX`, with zeros before it where it has fewer digits. */
  private digits(value: number, least: number): void {
    const count = Math.max(countDigits(value), least);
    let rest = value | 0;
    for (let i = this.length + count - 1; i >= this.length; i--) {
      const tenth = (rest / 10) | 0;
      this.bytes[i] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.length += count;
  }
}
