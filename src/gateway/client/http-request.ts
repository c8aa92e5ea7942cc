/** A request to a provider, and how it is written. */
import type { ByteWriter } from "../../kernel/byte-writer.js";
import { type Content, Spliced } from "../../kernel/content.js";
import type { Upload } from "../../tasks/media.js";
import type { Guard } from "../registry/guard.js";
import { ProtocolError } from "./body-decoder.js";
import type { Origin } from "./origin.js";

export type HttpRequest = {
  readonly baseUrl: string;
  /** POST where it is not said. */
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** The address to connect to, where the name was looked up and judged before. */
  readonly address?: string;
  /** Judges where a new connection leads, for a URL that the operator did not write. */
  readonly guard?: Guard | undefined;
  readonly path: string;
  /** The same object for requests with the same headers: it is printed once. */
  readonly headers: Readonly<Record<string, string>>;
  /** Our id of the request, which changes every time. */
  readonly requestId: string;
  /** An upload goes out as it comes in, on a connection that was opened for it: it cannot be sent twice. */
  readonly body: string | Content | Upload;
};

export const isUpload = (body: HttpRequest["body"]): body is Upload =>
  typeof body === "object" && !(body instanceof Uint8Array) && !(body instanceof Spliced);

/** What would end a line early, and let a value write headers or requests of its own. */
const BREAKS_PATH = /[^\x21-\x7e]/;
const BREAKS_HEADER = /[\r\n\0]/;

const LINE_END = "\r\n";

const printed = new WeakMap<object, Uint8Array>();

/** Throws ProtocolError for what could be read as another request than it is meant to be. */
export function checkHead({ path, headers }: HttpRequest): void {
  if (BREAKS_PATH.test(path) || !path.startsWith("/"))
    throw new ProtocolError("the path holds a character no path may hold");
  linesOf(headers);
}

/** Everything before the body. */
export function printHead(out: ByteWriter, origin: Origin, request: HttpRequest): void {
  const { path, headers, requestId, body, method = "POST" } = request;
  checkHead(request);
  out.text(method);
  out.text(" ");
  out.text(origin.pathPrefix);
  out.text(path);
  out.text(" HTTP/1.1\r\nhost: ");
  out.text(origin.hostHeader);
  out.text(LINE_END);
  out.encoded(linesOf(headers));
  out.text("x-turnpike-request-id: ");
  out.text(requestId);
  out.text(LINE_END);
  // A GET has no body, and some servers refuse even the length of none.
  if (method !== "GET") {
    out.text("content-length: ");
    out.number(typeof body === "string" ? Buffer.byteLength(body) : body.length);
    out.text(LINE_END);
  }
  out.text(LINE_END);
}

function linesOf(headers: Readonly<Record<string, string>>): Uint8Array {
  let lines = printed.get(headers);
  if (lines !== undefined) return lines;
  let text = "";
  for (const [name, value] of Object.entries(headers)) {
    if (BREAKS_HEADER.test(value)) throw new ProtocolError(`the header ${name} holds a line break`);
    text += `${name}: ${value}${LINE_END}`;
  }
  lines = Buffer.from(text);
  printed.set(headers, lines);
  return lines;
}
