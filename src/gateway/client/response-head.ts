/** Status line and headers of an HTTP/1.1 answer, looked up where they stand. */

import { HEAD_BYTES_MAX } from "../../kernel/limits.js";
import { standsAt } from "../../kernel/span.js";
import { type Framing, ProtocolError } from "./body-decoder.js";

const VERSION = "HTTP/1.";
const STATUS_AT = "HTTP/1.1 ".length;
const LENGTH = "content-length";
const LENGTH_DIGITS_MAX = 15;
const LINE_END_BYTES = 2;
/** An array that grows is copied again and again. */
const LINES_USUAL = 16;
const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const ZERO = 48;
const COLON = 58;
const CHUNKED = /\bchunked$/i;
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const BREAKS_LINE = /[\r\n\0]/;

export class ResponseHead {
  readonly status: number;
  private readonly bytes: Buffer;
  /** Where each header begins, and where the blank line does; longer than that for most heads. */
  private readonly lines: readonly number[];
  /** How many headers there are. */
  private readonly count: number;

  private constructor(status: number, bytes: Buffer, lines: readonly number[], count: number) {
    this.status = status;
    this.bytes = bytes;
    this.lines = lines;
    this.count = count;
  }

  /**
   * The head that begins at `start`; undefined as long as its end has not come in. Throws ProtocolError for what is no
   * HTTP/1 answer, and for a head that is too long.
   */
  static read(bytes: Buffer, start: number): ResponseHead | undefined {
    const lines: number[] = new Array(LINES_USUAL);
    let count = 0;
    let lineStart = start;
    const end = Math.min(bytes.length, start + HEAD_BYTES_MAX);
    for (let at = start + 1; at < end; at++) {
      if (bytes[at] !== LF || bytes[at - 1] !== CR) continue;
      if (lineStart > start) lines[count++] = lineStart;
      if (at - 1 === lineStart) {
        return new ResponseHead(statusAt(bytes, start), bytes, lines, count - 1);
      }
      lineStart = at + 1;
    }
    if (bytes.length > end) throw new ProtocolError("the headers are too long");
    return undefined;
  }

  /** Where the body begins. */
  get end(): number {
    return this.lineAt(this.count) + LINE_END_BYTES;
  }

  /** `name` in lower case. The first one counts where a header is given twice. */
  get(name: string): string | undefined {
    const nth = this.find(name, 0);
    return nth < 0 ? undefined : this.valueOf(nth, name.length);
  }

  /** Whether the first header of a name says just this; both in lower case. */
  says(name: string, value: string): boolean {
    const nth = this.find(name, 0);
    if (nth < 0) return false;
    const at = this.valueAt(nth, name.length);
    return this.valueEnd(nth) - at === value.length && matches(this.bytes, at, value);
  }

  /** The length it says; undefined for none. Throws ProtocolError for what is no number, and for two that differ. */
  contentLength(): number | undefined {
    let length: number | undefined;
    for (let nth = this.find(LENGTH, 0); nth >= 0; nth = this.find(LENGTH, nth + 1)) {
      const said = this.numberAt(this.valueAt(nth, LENGTH.length), this.valueEnd(nth));
      if (length !== undefined && said !== length) {
        throw new ProtocolError("there are two content-lengths");
      }
      length = said;
    }
    return length;
  }

  private numberAt(start: number, end: number): number {
    let number = 0;
    const digits = end - start;
    // With zeros before it somebody may take it for another kind of number.
    let isNumber = this.bytes[start] === ZERO ? digits === 1 : digits > 0;
    isNumber &&= digits <= LENGTH_DIGITS_MAX;
    for (let at = start; isNumber && at < end; at++) {
      const digit = (this.bytes[at] ?? 0) - ZERO;
      isNumber = digit >= 0 && digit <= 9;
      number = number * 10 + digit;
    }
    if (!isNumber) throw new ProtocolError("the content-length is no number");
    return number;
  }

  /** Whether the name of any header begins with these letters, in lower case. */
  hasAnyOf(beginnings: readonly string[]): boolean {
    for (let nth = 0; nth < this.count; nth++) {
      for (const letters of beginnings) {
        if (matches(this.bytes, this.lineAt(nth), letters)) return true;
      }
    }
    return false;
  }

  /** Every header in the order of the answer, its name in lower case, but for what is no proper header. */
  entries(): readonly (readonly [name: string, value: string])[] {
    const entries: [string, string][] = [];
    for (let nth = 0; nth < this.count; nth++) {
      const start = this.lineAt(nth);
      const colon = this.bytes.indexOf(COLON, start);
      if (colon <= start || colon >= this.lineAt(nth + 1)) continue;
      const name = this.bytes.toString("latin1", start, colon).toLowerCase();
      const value = this.valueOf(nth, name.length);
      if (NAME.test(name) && !BREAKS_LINE.test(value)) entries.push([name, value]);
    }
    return entries;
  }

  /** Which header has a name, from one of them on; -1 for none. */
  private find(name: string, from: number): number {
    for (let nth = from; nth < this.count; nth++) {
      const start = this.lineAt(nth);
      if (this.bytes[start + name.length] === COLON && matches(this.bytes, start, name)) return nth;
    }
    return -1;
  }

  private valueOf(nth: number, nameLength: number): string {
    return this.bytes.toString("latin1", this.valueAt(nth, nameLength), this.valueEnd(nth));
  }

  private valueAt(nth: number, nameLength: number): number {
    let at = this.lineAt(nth) + nameLength + 1;
    while (isPadding(this.bytes[at])) at++;
    return at;
  }

  private valueEnd(nth: number): number {
    let end = this.lineAt(nth + 1) - LINE_END_BYTES;
    while (isPadding(this.bytes[end - 1])) end--;
    return end;
  }

  private lineAt(nth: number): number {
    return this.lines[nth] ?? 0;
  }
}

/** How the body after `head` is framed. Throws ProtocolError. */
export function framingOf(head: ResponseHead): Framing {
  const length = head.contentLength();
  if (head.status === 204 || head.status === 304) return 0;
  const encoding = head.get("transfer-encoding");
  if (encoding !== undefined && CHUNKED.test(encoding)) return "chunked";
  return length ?? "until_close";
}

const isPadding = (byte: number | undefined): boolean => byte === SPACE || byte === TAB;

/** Three digits after `HTTP/1.0` or `HTTP/1.1`, read one by one: a match of a pattern is an array of strings. */
function statusAt(bytes: Buffer, start: number): number {
  const minor = (bytes[start + VERSION.length] ?? 0) - ZERO;
  const isHttp1 = standsAt(bytes, start, VERSION) && (minor === 0 || minor === 1);
  const at = start + STATUS_AT;
  if (!isHttp1 || bytes[at - 1] !== SPACE) throw notHttp();
  let status = 0;
  for (let i = at; i < at + 3; i++) {
    const digit = (bytes[i] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) throw notHttp();
    status = status * 10 + digit;
  }
  return status;
}

const notHttp = () => new ProtocolError("the answer is not HTTP/1.1");

/** Whether letters stand at a place, in either case; `letters` in lower case, with hyphens and digits. */
function matches(bytes: Buffer, at: number, letters: string): boolean {
  for (let i = 0; i < letters.length; i++) {
    const byte = bytes[at + i] ?? 0;
    const lower = byte >= UPPER_A && byte <= UPPER_Z ? byte | SPACE : byte;
    if (lower !== letters.charCodeAt(i)) return false;
  }
  return true;
}

const UPPER_A = 65;
const UPPER_Z = 90;
