/** Takes the framing off an HTTP/1.1 body: a length, chunks, or everything until the connection ends. */

/** What breaks the rules of HTTP, or arrives without being asked for. */
export class ProtocolError extends Error {}

const CHUNK_LINE_MAX = 1_024;
const SIZE_DIGITS_MAX = 8;
const CR = 13;
const LF = 10;

/** Where a body ends: after so many bytes, with its last chunk, or with its connection. */
export type Framing = number | "chunked" | "until_close";

export class BodyDecoder {
  private readonly framing: Framing;
  /** Bytes still to come of the body, or of the current chunk. */
  private left: number;
  /** Where in a chunked body we are. */
  private expects: "size" | "data" | "end_of_data" | "trailer" = "size";
  private line = "";
  private trailers = 0;
  private readonly isStrict: boolean;
  isDone: boolean;

  /** `strict` takes nothing that another reader could read another way: no extensions, no trailers, no bare line breaks. */
  constructor(framing: Framing, manner: "strict" | "lenient" = "lenient") {
    this.framing = framing;
    this.isStrict = manner === "strict";
    this.left = typeof framing === "number" ? framing : 0;
    this.isDone = framing === 0;
  }

  get isChunked(): boolean {
    return this.framing === "chunked";
  }

  /** Adds the body's bytes among `bytes` to `parts`; throws ProtocolError for broken framing or bytes beyond the end. */
  push(bytes: Buffer, parts: Buffer[]): void {
    if (this.framing === "chunked") {
      this.pushChunked(bytes, parts);
      return;
    }
    if (typeof this.framing === "number") {
      if (bytes.length > this.left)
        throw new ProtocolError("the body is longer than its length says");
      this.left -= bytes.length;
      this.isDone = this.left === 0;
    }
    parts.push(bytes);
  }

  /** Whether the next `bytes` are the whole body, with no framing in it; then they count as pushed. */
  takesWhole(bytes: number): boolean {
    if (typeof this.framing !== "number" || bytes !== this.left) return false;
    this.left = 0;
    this.isDone = true;
    return true;
  }

  /** How many of the next `bytes` belong to the body, as far as can be told before they are read. */
  belonging(bytes: number): number {
    return typeof this.framing === "number" ? Math.min(bytes, this.left) : bytes;
  }

  /** Whether a connection that ends now ends a whole body. */
  endsWhole(): boolean {
    return this.isDone || this.framing === "until_close";
  }

  private pushChunked(bytes: Buffer, parts: Buffer[]): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.isDone) throw new ProtocolError("bytes after the last chunk");
      if (this.expects === "data") {
        const part = bytes.subarray(at, at + this.left);
        parts.push(part);
        at += part.length;
        this.left -= part.length;
        if (this.left === 0) this.expects = "end_of_data";
      } else {
        const next = this.line === "" ? this.passPlainLine(bytes, at) : at;
        at = next > at ? next : this.passLine(bytes, at);
      }
    }
  }

  /** Nearly every line is whole and has nothing in it but a size, or nothing; any other is left to `passLine`. */
  private passPlainLine(bytes: Buffer, start: number): number {
    let at = start;
    let size = 0;
    let digit = hexDigit(bytes[at]);
    for (; digit >= 0 && at - start < SIZE_DIGITS_MAX; digit = hexDigit(bytes[++at])) {
      size = size * 16 + digit;
    }
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return start;
    const isEmpty = at === start;
    if (isEmpty && this.expects === "end_of_data") this.expects = "size";
    else if (!isEmpty && this.expects === "size") this.beginChunk(size);
    else return start;
    return at + 2;
  }

  private passLine(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(LF, at);
    const upTo = end < 0 ? bytes.length : end;
    this.line += bytes.toString("latin1", at, upTo);
    if (this.line.length > CHUNK_LINE_MAX) throw new ProtocolError("a chunk's line is too long");
    if (end >= 0) this.endLine();
    return upTo + 1;
  }

  private beginChunk(size: number): void {
    this.left = size;
    this.expects = size === 0 ? "trailer" : "data";
  }

  private endLine(): void {
    const line = this.isStrict ? strictLine(this.line) : this.line.trimEnd();
    this.line = "";
    if (this.expects === "end_of_data") {
      if (line !== "") throw new ProtocolError("a chunk is longer than its size says");
      this.expects = "size";
    } else if (this.expects === "trailer") {
      this.isDone = line === "";
      this.trailers++;
      if (this.isStrict && line !== "") throw new ProtocolError("there is a trailer");
      if (this.trailers > TRAILERS_MAX) throw new ProtocolError("there are too many trailers");
    } else {
      const size = (this.isStrict ? SIZE : SIZE_AND_MORE).exec(line)?.[1];
      if (size === undefined) throw new ProtocolError("a chunk's size is no number");
      this.beginChunk(Number.parseInt(size, 16));
    }
  }
}

const TRAILERS_MAX = 100;
const SIZE = /^([0-9a-f]{1,8})$/i;
const SIZE_AND_MORE = /^([0-9a-f]{1,8})(?:\s*;.*)?$/i;

/** `line` came before a line feed. */
function strictLine(line: string): string {
  if (!line.endsWith("\r")) throw new ProtocolError("a line feed stands alone");
  return line.slice(0, -1);
}

function hexDigit(byte = 0): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
