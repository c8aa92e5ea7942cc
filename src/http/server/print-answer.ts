/** Answers as they go over the wire. */
import { STATUS_CODES } from "node:http";
import type { StreamReply, WholeReply } from "../../gateway/reply.js";
import { ByteWriter } from "../../kernel/byte-writer.js";
import { writeContent } from "../../kernel/content.js";

/** What the server says itself, whatever an answer says. */
const OWN = new Set(["connection", "content-length", "date", "keep-alive", "transfer-encoding"]);
const NO_CONTENT = [204, 304];

/** What goes with each answer of a connection. */
export type Frame = {
  /** Of the server's own headers, with their line breaks. */
  readonly lines: string;
  /** The caller wants to know about the body, and not to have it. */
  readonly isHead: boolean;
};

/** Used again for every whole answer: what goes out at once need not be kept. */
const whole = new ByteWriter();

/** Good until the next one is printed. */
export function printWhole({ head, body }: WholeReply, { lines, isHead }: Frame): ByteWriter {
  whole.clear();
  whole.text("HTTP/1.1 200 OK\r\n");
  whole.parts(head);
  whole.text(lines);
  whole.text("content-length: ");
  whole.number(body.length);
  whole.text("\r\n\r\n");
  if (!isHead) writeContent(whole, body);
  return whole;
}

export async function printResponse(
  response: Response,
  { lines, isHead }: Frame,
): Promise<Uint8Array> {
  const head = headOf(response.status, linesOf(response.headers) + lines);
  if (NO_CONTENT.includes(response.status)) return Buffer.from(`${head}\r\n`, "latin1");
  const body = Buffer.from(await response.arrayBuffer());
  const printed = Buffer.from(`${head}content-length: ${body.length}\r\n\r\n`, "latin1");
  return isHead ? printed : Buffer.concat([printed, body]);
}

export function printStreamHead(
  { status, headers }: StreamReply,
  { lines }: Frame,
  isChunked: boolean,
): Uint8Array {
  const framing = isChunked ? "transfer-encoding: chunked\r\n" : "";
  return Buffer.from(`${headOf(status, linesOf(headers) + lines)}${framing}\r\n`, "latin1");
}

const headOf = (status: number, lines: string): string =>
  `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Unknown"}\r\n${lines}`;

/** A value that `Headers` holds has no line breaks. */
function linesOf(headers: Headers): string {
  let lines = "";
  for (const [name, value] of headers) if (!OWN.has(name)) lines += `${name}: ${value}\r\n`;
  return lines;
}

export const dateLine = (now: number): string => `date: ${new Date(now).toUTCString()}\r\n`;

export const LAST_CHUNK = Buffer.from("0\r\n\r\n");
const LINE_END = "\r\n";
const SIZE_CHARS_MAX = 8;
/** The same for chunks. */
const room = Buffer.allocUnsafeSlow(64 * 1024);

/** One chunk with its framing. Good until the next one is made. */
export function chunkOf(bytes: Uint8Array): Uint8Array {
  const most = bytes.length + SIZE_CHARS_MAX + 2 * LINE_END.length;
  const target = most <= room.length ? room : Buffer.allocUnsafeSlow(most);
  let at = target.write(bytes.length.toString(16) + LINE_END, 0, "latin1");
  target.set(bytes, at);
  at += bytes.length;
  at += target.write(LINE_END, at, "latin1");
  return target.subarray(0, at);
}
