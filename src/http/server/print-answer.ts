/** The heads of answers, as they go over the wire. */
import { STATUS_CODES } from "node:http";

export const LINE_END = "\r\n";
/** What this server decides itself, whatever an answer says. */
const OWN = new Set(["connection", "content-length", "date", "keep-alive", "transfer-encoding"]);

/** `lines` end with line breaks; so does what comes out, but for the blank line. */
export const printHead = (status: number, lines: string): string =>
  `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Unknown"}\r\n${lines}`;

export const dateLine = (now: number): string => `date: ${new Date(now).toUTCString()}\r\n`;

/** A value that `Headers` holds has no line breaks. */
export function headerLines(headers: Headers): string {
  let lines = "";
  for (const [name, value] of headers) if (!OWN.has(name)) lines += `${name}: ${value}\r\n`;
  return lines;
}

const LAST_CHUNK = Buffer.from("0\r\n\r\n");
/** Used again for every chunk: what goes out at once need not be kept. */
const room = Buffer.allocUnsafeSlow(64 * 1024);
const SIZE_CHARS_MAX = 8;
const LINE_END_BYTES = 2;

export const lastChunk = (): Uint8Array => LAST_CHUNK;

/** One chunk with its framing. Good until the next one is made. */
export function chunkOf(bytes: Uint8Array): Uint8Array {
  const most = bytes.length + SIZE_CHARS_MAX + 2 * LINE_END_BYTES;
  const target = most <= room.length ? room : Buffer.allocUnsafeSlow(most);
  const size = bytes.length.toString(16);
  let at = target.write(`${size}${LINE_END}`, 0, "latin1");
  target.set(bytes, at);
  at += bytes.length;
  at += target.write(LINE_END, at, "latin1");
  return target.subarray(0, at);
}
