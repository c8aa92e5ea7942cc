/**
 * Finds where HTTP/1.1 messages start and end in a stream of bytes, and nothing else. It is the inner
 * loop of the upstream and the load generator, so it copies only when a message is split.
 */
export type MessageSink = {
  readonly onHead: (head: Buffer) => void;
  readonly onBody: (part: Buffer) => void;
  readonly onEnd: () => void;
};

const HEAD_END = Buffer.from("\r\n\r\n");
const LENGTH_SPELLINGS = [
  Buffer.from("Content-Length: "),
  Buffer.from("content-length: "),
] as const;
const CR = 13;
const headBytesMax = 64 * 1024;

type State = "head" | "body" | "chunk-size" | "chunk-data" | "chunk-end" | "trailer";

/** Throws Error on a message it cannot frame; the caller counts that as a failure. */
export class HttpReader {
  private state: State = "head";
  private left = 0;
  private held: Buffer | undefined;
  private readonly sink: MessageSink;

  constructor(sink: MessageSink) {
    this.sink = sink;
  }

  feed(data: Buffer): void {
    const bytes = this.held === undefined ? data : Buffer.concat([this.held, data]);
    this.held = undefined;
    let at = 0;
    while (at < bytes.length) {
      const next = this.step(bytes, at);
      if (next === undefined) {
        if (bytes.length - at > headBytesMax)
          throw new Error("a head or chunk line without an end");
        this.held = Buffer.from(bytes.subarray(at)); // a copy: the runtime may reuse its own buffer
        return;
      }
      at = next;
    }
  }

  /** Consumes one piece from `at`; answers where the next begins, or undefined when more is needed. */
  private step(bytes: Buffer, at: number): number | undefined {
    switch (this.state) {
      case "head":
        return this.readHead(bytes, at);
      case "body":
        return this.readBody(bytes, at);
      case "chunk-data":
        return this.readChunk(bytes, at);
      case "chunk-size":
      case "chunk-end":
      case "trailer":
        return this.readLine(bytes, at);
    }
  }

  private readHead(bytes: Buffer, at: number): number | undefined {
    const end = bytes.indexOf(HEAD_END, at);
    if (end === -1) return undefined;
    const head = bytes.subarray(at, end + 2);
    this.sink.onHead(head);
    const length = contentLength(head);
    if (length !== undefined) {
      this.left = length;
      this.state = "body";
      if (length === 0) this.end();
    } else if (isChunked(head)) {
      this.state = "chunk-size";
    } else if (head.toString("latin1", 0, 5) === "HTTP/") {
      throw new Error("an answer with neither a length nor chunks");
    } else {
      this.end();
    }
    return end + 4;
  }

  private readBody(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.left);
    this.left -= end - at;
    this.sink.onBody(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    if (this.left === 0) this.end();
    return end;
  }

  private readChunk(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.left);
    this.left -= end - at;
    this.sink.onBody(bytes.subarray(at, end));
    if (this.left === 0) this.state = "chunk-end";
    return end;
  }

  private readLine(bytes: Buffer, at: number): number | undefined {
    const end = bytes.indexOf(CR, at);
    if (end === -1 || end + 1 >= bytes.length) return undefined;
    const isEmpty = end === at;
    if (this.state === "trailer") {
      if (isEmpty) this.end();
    } else if (this.state === "chunk-end") {
      if (!isEmpty) throw new Error("a chunk is longer than its size says");
      this.state = "chunk-size";
    } else {
      this.left = hexAt(bytes, at);
      this.state = this.left === 0 ? "trailer" : "chunk-data";
    }
    return end + 2;
  }

  private end(): void {
    this.state = "head";
    this.sink.onEnd();
  }
}

function contentLength(head: Buffer): number | undefined {
  for (const spelling of LENGTH_SPELLINGS) {
    const at = head.indexOf(spelling);
    if (at !== -1) return digitsAt(head, at + spelling.length);
  }
  const found = /\r\ncontent-length: *(\d+)/i.exec(head.toString("latin1"));
  return found === null ? undefined : Number(found[1]);
}

function isChunked(head: Buffer): boolean {
  return /\r\ntransfer-encoding: *chunked/i.test(head.toString("latin1"));
}

/** The decimal number whose first digit is at `at`. */
export function digitsAt(bytes: Buffer, at: number): number {
  let value = 0;
  for (let i = at; i < bytes.length; i++) {
    const digit = (bytes[i] ?? 0) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return value;
}

/** The hexadecimal number whose first digit is at `at`. No strings: this runs once an event. */
function hexAt(bytes: Buffer, at: number): number {
  let value = 0;
  let i = at;
  for (; i < bytes.length; i++) {
    const code = bytes[i] ?? 0;
    const digit = code <= 57 ? code - 48 : (code | 32) - 87;
    if (digit < 0 || digit > 15) break;
    value = value * 16 + digit;
  }
  if (i === at) throw new Error("a chunk without a size");
  return value;
}
