/** Status line and headers of an HTTP/1.1 answer, looked up where they stand. */

import { type Framing, ProtocolError } from "./body-decoder.js";

const VERSION = "HTTP/1.";
const STATUS_AT = "HTTP/1.1 ".length;
const SPACE = 32;
const ZERO = 48;

export class ResponseHead {
  readonly status: number;
  private readonly text: string;
  private readonly lower: string;

  private constructor(status: number, text: string) {
    this.status = status;
    this.text = text;
    this.lower = text.toLowerCase();
  }

  /** `text` ends before the blank line. Undefined when it is no HTTP/1 answer. */
  static parse(text: string): ResponseHead | undefined {
    const status = statusIn(text);
    return status === undefined ? undefined : new ResponseHead(status, text);
  }

  /** `name` in lower case. The first one counts where a header is given twice. */
  get(name: string): string | undefined {
    const line = this.lower.indexOf(needleFor(name));
    if (line < 0) return undefined;
    const start = line + name.length + 3;
    const end = this.text.indexOf("\r\n", start);
    return this.text.slice(start, end < 0 ? undefined : end).trim();
  }

  /** Whether a header that says `value` is given again and says something else there. */
  contradicts(name: string, value: string): boolean {
    const needle = needleFor(name);
    const again = this.lower.indexOf(needle, this.lower.indexOf(needle) + 1);
    // Looked at closely only where there is a second one, which is hardly ever.
    return again >= 0 && this.entries().some(([each, said]) => each === name && said !== value);
  }

  /** Whether a look at all of it in lower case finds something: to pass over answers that need no closer look. */
  passes(look: (lower: string) => boolean): boolean {
    return look(this.lower);
  }

  /** Every header in the order of the answer, its name in lower case. */
  entries(): readonly (readonly [name: string, value: string])[] {
    return this.text
      .split("\r\n")
      .slice(1)
      .flatMap((line) => {
        const colon = line.indexOf(":");
        if (colon <= 0) return [];
        return [[line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const];
      });
  }
}

/** How the body after `head` is framed. Throws ProtocolError. */
export function framingOf(head: ResponseHead): Framing {
  const length = head.get("content-length");
  if (length !== undefined && !LENGTH.test(length)) {
    throw new ProtocolError("the content-length is no number");
  }
  if (length !== undefined && head.contradicts("content-length", length)) {
    throw new ProtocolError("there are two content-lengths");
  }
  if (head.status === 204 || head.status === 304) return 0;
  const encoding = head.get("transfer-encoding");
  if (encoding !== undefined && CHUNKED.test(encoding)) return "chunked";
  return length === undefined ? "until_close" : Number(length);
}

const CHUNKED = /\bchunked$/i;
const LENGTH = /^\d{1,15}$/;

/** Three digits after `HTTP/1.0` or `HTTP/1.1`, read one by one: a match of a pattern is an array of strings. */
function statusIn(text: string): number | undefined {
  const minor = text.charCodeAt(VERSION.length) - ZERO;
  const isHttp1 = text.startsWith(VERSION) && (minor === 0 || minor === 1);
  if (!isHttp1 || text.charCodeAt(STATUS_AT - 1) !== SPACE) return undefined;
  let status = 0;
  for (let at = STATUS_AT; at < STATUS_AT + 3; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    // Not a number either where the text has ended.
    if (!(digit >= 0 && digit <= 9)) return undefined;
    status = status * 10 + digit;
  }
  return status;
}

/** Few names are ever asked for, and each of them for every answer. */
const needles = new Map<string, string>();

function needleFor(name: string): string {
  let needle = needles.get(name);
  if (needle === undefined) {
    needle = `\r\n${name}:`;
    needles.set(name, needle);
  }
  return needle;
}
