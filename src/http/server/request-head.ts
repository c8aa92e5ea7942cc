/** The request line and the headers of a caller's request. Strict: what two readers could take two ways is refused. */
import { HEAD_BYTES_MAX, HEADERS_MAX } from "../../kernel/limits.js";

/** Why a request is not served, and its connection ends. */
export class MalformedRequest extends Error {
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

const END_OF_HEAD = "\r\n\r\n";
const REQUEST_LINE =
  /^([A-Z]{1,20}) (?:https?:\/\/[\x21\x22\x24-\x2e\x30-\x3e\x40-\x7e]+)?(\/[\x21-\x7e]*) HTTP\/1\.([01])$/;
const OTHER_VERSION = /^[A-Z]+ \S+ HTTP\/(?!1\.[01]$)\d\.\d$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Tabs, and everything from the space on; a line break that stood alone would end the line for somebody else. */
const BREAKS_LINE = /[^\t\x20-\x7e\x80-\xff]/;
const PADDING = /^[ \t]+|[ \t]+$/g;
const HOST = /^[^\s/?#@\\,]*$/;
const LENGTH = /^\d{1,15}$/;
const LENGTH_DIGITS = /\r\ncontent-length:[ \t]*(\d+)/di;
const DIGITS_MAX = 15;
const ZERO = 48;
/** Said twice, they could mean two things. */
const ONCE = new Set(["host", "content-length", "transfer-encoding"]);

/** As much of a head as all requests share that differ in nothing but their length. */
type Shape = {
  readonly bytes: Buffer;
  readonly method: string;
  readonly url: string;
  readonly isHttp10: boolean;
  readonly isChunked: boolean;
  readonly keepsAlive: boolean;
  readonly waitsForContinue: boolean;
  readonly values: ReadonlyMap<string, string>;
  /** Where the digits of the length stand; both at the end where there are none. */
  readonly digitsAt: number;
  readonly digitsEnd: number;
};

export class RequestHead {
  private readonly shape: Shape;
  /** Of the body, in bytes; undefined where it is not said. */
  readonly length: number | undefined;
  /** In bytes, with the blank line. */
  readonly headBytes: number;

  private constructor(shape: Shape, length: number | undefined, headBytes: number) {
    this.shape = shape;
    this.length = length;
    this.headBytes = headBytes;
  }

  /** The head that `bytes` begin with; undefined as long as its end has not come in. Throws MalformedRequest. */
  static read(bytes: Buffer): RequestHead | undefined {
    const end = bytes.indexOf(END_OF_HEAD);
    if ((end < 0 ? bytes.length : end) > HEAD_BYTES_MAX) {
      throw new MalformedRequest(`The headers are over the limit of ${HEAD_BYTES_MAX} bytes.`, 431);
    }
    return end < 0 ? undefined : RequestHead.parse(bytes.subarray(0, end + END_OF_HEAD.length));
  }

  /** The same of `bytes` that end with the blank line. */
  static parse(bytes: Buffer): RequestHead {
    const [line = "", ...lines] = bytes.toString("latin1", 0, bytes.length - 4).split("\r\n");
    const [, method = "", target = "", minor] = REQUEST_LINE.exec(line) ?? refuseLine(line);
    const values = valuesIn(lines);
    const isHttp10 = minor === "0";
    checkHost(values.get("host"), isHttp10);
    const length = lengthIn(values, isHttp10);
    const digits = LENGTH_DIGITS.exec(bytes.toString("latin1"))?.indices?.[1];
    const [digitsAt, digitsEnd] = digits ?? [bytes.length, bytes.length];
    // A copy, which does not keep all else alive that came with it.
    const url = `http://${values.get("host") ?? ""}${target}`;
    const shape: Shape = {
      bytes: Buffer.from(bytes),
      method,
      url,
      isHttp10,
      isChunked: values.has("transfer-encoding"),
      keepsAlive: keepsAlive(values.get("connection"), isHttp10),
      waitsForContinue: !isHttp10 && values.get("expect")?.toLowerCase() === "100-continue",
      values,
      digitsAt,
      digitsEnd,
    };
    return new RequestHead(shape, length, bytes.length);
  }

  /**
   * The head that `bytes` begin with, if it is this one, whatever length it says: one client's requests over one
   * connection hardly ever differ in anything else, and a comparison costs a tenth of reading them.
   */
  again(bytes: Buffer): RequestHead | undefined {
    const { bytes: own, digitsAt, digitsEnd } = this.shape;
    let end = digitsAt;
    let length = 0;
    if (digitsEnd > digitsAt) {
      for (let digit = digitAt(bytes, end); digit >= 0; digit = digitAt(bytes, ++end)) {
        length = length * 10 + digit;
      }
    }
    const headBytes = own.length + end - digitsEnd;
    if (bytes.length < headBytes || end - digitsAt > DIGITS_MAX) return undefined;
    if (own.compare(bytes, 0, digitsAt, 0, digitsAt) !== 0) return undefined;
    if (own.compare(bytes, end, headBytes, digitsEnd, own.length) !== 0) return undefined;
    const isSame = length === this.length && headBytes === this.headBytes;
    if (digitsEnd === digitsAt || isSame) return this;
    return end === digitsAt ? undefined : new RequestHead(this.shape, length, headBytes);
  }

  get method(): string {
    return this.shape.method;
  }

  /** With the host that the caller knows us as, or none where it does not say. */
  get url(): string {
    return this.shape.url;
  }

  /** The same with the body, where that is not chunked. */
  get messageBytes(): number {
    return this.headBytes + (this.length ?? 0);
  }

  get isHttp10(): boolean {
    return this.shape.isHttp10;
  }

  get isChunked(): boolean {
    return this.shape.isChunked;
  }

  /** Whether the connection is to serve another request after this one. */
  get keepsAlive(): boolean {
    return this.shape.keepsAlive;
  }

  /** Whether the caller sends its body only once it is told to. */
  get waitsForContinue(): boolean {
    return this.shape.waitsForContinue;
  }

  /** `name` in lower case; null where it is not there. What was given several times is joined by commas. */
  get(name: string): string | null {
    if (name === "content-length") return this.length === undefined ? null : String(this.length);
    return this.shape.values.get(name) ?? null;
  }

  has(name: string): boolean {
    return this.shape.values.has(name);
  }
}

function refuseLine(line: string): never {
  if (!OTHER_VERSION.test(line)) throw new MalformedRequest("The request line is no HTTP/1.1.");
  throw new MalformedRequest("Only HTTP/1.1 and HTTP/1.0 are spoken here.", 505);
}

function valuesIn(lines: readonly string[]): Map<string, string> {
  if (lines.length > HEADERS_MAX) {
    throw new MalformedRequest(`There are more than ${HEADERS_MAX} headers.`, 431);
  }
  const values = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    if (!NAME.test(name)) throw new MalformedRequest("A header has no name, or an odd one.");
    const value = line.slice(colon + 1).replace(PADDING, "");
    if (BREAKS_LINE.test(value)) {
      throw new MalformedRequest(`The header ${name} holds a character that no header may hold.`);
    }
    const before = values.get(name);
    if (before !== undefined && ONCE.has(name)) {
      throw new MalformedRequest(`The header ${name} is given twice.`);
    }
    values.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return values;
}

function checkHost(host: string | undefined, isHttp10: boolean): void {
  if (host === undefined ? !isHttp10 : !HOST.test(host)) {
    throw new MalformedRequest("The Host header names no host.");
  }
}

function keepsAlive(said = "", isHttp10: boolean): boolean {
  const options = said.toLowerCase().split(/[\s,]+/);
  return isHttp10 ? options.includes("keep-alive") : !options.includes("close");
}

function lengthIn(values: ReadonlyMap<string, string>, isHttp10: boolean): number | undefined {
  const length = values.get("content-length");
  const encoding = values.get("transfer-encoding");
  if (length !== undefined && !LENGTH.test(length)) {
    throw new MalformedRequest("The Content-Length is no whole number.");
  }
  if (encoding === undefined) return length === undefined ? undefined : Number(length);
  if (length !== undefined || isHttp10) {
    throw new MalformedRequest("The body is framed in two ways.");
  }
  if (encoding.toLowerCase() !== "chunked") {
    throw new MalformedRequest("Of all Transfer-Encodings only chunked is taken.", 501);
  }
  return undefined;
}

/** -1 where no digit stands. */
function digitAt(bytes: Buffer, at: number): number {
  const digit = (bytes[at] ?? 0) - ZERO;
  return digit >= 0 && digit <= 9 ? digit : -1;
}
