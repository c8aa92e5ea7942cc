/**
 * Lines for a file, written as bytes into memory that is used again and again. Every request writes two of them, and
 * texts that only a file will see cost more to make than all that stands in them.
 */
const ROOM = 256 * 1024;
/** Longer texts are left to Bun, which is faster with many characters and slower with few. */
const SHORT_CHARS = 256;
const UTF8_BYTES_A_CHAR_MOST = 3;
const NUMBER_CHARS_MAX = 32;
const CHECKSUM_CHARS = 8;
const HEX_DIGITS = Buffer.from("0123456789abcdef");
const LINE_FEED = 10;
const SPACE = 32;
const QUOTE = 34;
const ZERO = 48;
const BACKSLASH = 92;
const DELETE = 127;
/** So many digits fit into the whole numbers that the engine is fast with. */
const FAST_DIGITS = 9;
const FAST_MAX = 10 ** FAST_DIGITS;

export class LineBuffer {
  private bytes = Buffer.allocUnsafeSlow(ROOM);
  private at = 0;
  private lineStart = 0;

  get isEmpty(): boolean {
    return this.at === 0;
  }

  /** All lines so far. Good until the next call of anything here. */
  content(): Buffer {
    return this.bytes.subarray(0, this.at);
  }

  clear(): void {
    this.at = 0;
    if (this.bytes.length > ROOM) this.bytes = Buffer.allocUnsafeSlow(ROOM);
  }

  /** Begins a line, which its checksum goes before. */
  begin(): void {
    this.makeRoom(CHECKSUM_CHARS);
    this.lineStart = this.at;
    this.at += CHECKSUM_CHARS;
  }

  end(): void {
    this.makeRoom(1);
    const { bytes, at } = this;
    const from = this.lineStart + CHECKSUM_CHARS;
    let checksum = Bun.hash.crc32(bytes.subarray(from, at));
    for (let i = from - 1; i >= this.lineStart; i--) {
      bytes[i] = HEX_DIGITS[checksum & 15] ?? 0;
      checksum >>>= 4;
    }
    bytes[at] = LINE_FEED;
    this.at++;
  }

  /** As it is, in UTF-8. */
  text(text: string): void {
    this.makeRoom(text.length * UTF8_BYTES_A_CHAR_MOST);
    const written = text.length <= SHORT_CHARS ? this.writeAscii(text, false) : -1;
    this.at = written >= 0 ? written : this.at + this.bytes.write(text, this.at);
  }

  /** The same, encoded before. */
  encoded(bytes: Uint8Array): void {
    this.makeRoom(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** As JSON writes it. */
  quoted(text: string): void {
    this.makeRoom(text.length + 2);
    const start = this.at;
    this.bytes[start] = QUOTE;
    this.at++;
    const written = text.length <= SHORT_CHARS ? this.writeAscii(text, true) : -1;
    if (written >= 0) {
      this.bytes[written] = QUOTE;
      this.at = written + 1;
    } else {
      this.at = start;
      this.text(JSON.stringify(text));
    }
  }

  number(value: number): void {
    const high = Math.floor(value / FAST_MAX);
    if (!Number.isSafeInteger(value) || value < 0 || high >= FAST_MAX) {
      this.text(String(value));
      return;
    }
    this.makeRoom(NUMBER_CHARS_MAX);
    if (high > 0) this.digits(high, 1);
    this.digits(value - high * FAST_MAX, high > 0 ? FAST_DIGITS : 1);
  }

  /** Where the text ends; -1 for characters that need a closer look. */
  private writeAscii(text: string, isQuoted: boolean): number {
    const { bytes } = this;
    let { at } = this;
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
    let count = least;
    for (let power = 10 ** least; power <= value; power *= 10) count++;
    let rest = value | 0;
    for (let i = this.at + count - 1; i >= this.at; i--) {
      const tenth = (rest / 10) | 0;
      this.bytes[i] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.at += count;
  }

  private makeRoom(bytes: number): void {
    if (this.bytes.length - this.at >= bytes) return;
    const larger = Buffer.allocUnsafeSlow(2 * this.bytes.length + bytes);
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }
}
