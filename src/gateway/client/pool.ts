/**
 * An HTTP/1.1 client on Bun's sockets. Bun's own `fetch` hands every request to another thread and back and has
 * one time limit for connecting and waiting together; this one costs half as much and tells the two apart.
 */
import { ByteWriter } from "../../kernel/byte-writer.js";
import { type Content, Spliced, writeContent } from "../../kernel/content.js";
import type { Upload } from "../../tasks/media.js";
import type { Deadline } from "../deadline.js";
import type { Guard } from "../registry/guard.js";
import { ProtocolError } from "./body-decoder.js";
import { Connection } from "./connection.js";
import type { Exchange } from "./exchange.js";
import { guardedOriginOf, type Origin, originOf } from "./origin.js";
import { sendUpload } from "./upload.js";

const IDLE_PER_ORIGIN_MAX = 1_024;
/** Many servers close a connection after 60 s of silence; we are gone before they are. */
const IDLE_MS_MAX = 30_000;
const SWEEP_MS = 5_000;

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

export class HttpPool {
  /** Requests are put together here; what a connection does not take at once it keeps itself. */
  private readonly out = new ByteWriter();
  private readonly idle = new Map<string, Connection[]>();
  private sweeping: ReturnType<typeof setInterval> | undefined;

  /**
   * Sends a request. `connectMs` limits connecting alone; whatever stops `deadline` later ends the exchange and closes
   * its connection. A kept connection that turns out to have been closed by the other side is replaced, once.
   */
  async send(
    request: HttpRequest,
    deadline: Deadline,
    connectMs: number,
    waiting: () => void,
  ): Promise<Exchange> {
    const kept = this.sendKept(request, deadline);
    if (kept) {
      waiting();
      try {
        await kept.response();
        return kept;
      } catch (thrown) {
        if (kept.hasBegun || deadline.isStopped) throw thrown;
      }
    }
    return this.sendFresh(request, deadline, connectMs, waiting);
  }

  /**
   * Sends a request over a kept connection, and leaves the waiting to whoever asked; undefined where there is none. As
   * long as nothing of an answer has begun when it fails, the request may be sent again by `sendFresh`.
   */
  sendKept(request: HttpRequest, deadline: Deadline): Exchange | undefined {
    if (isUpload(request.body)) return undefined;
    const origin = originFor(request);
    checkHead(request);
    const kept = this.takeIdle(origin);
    if (!kept) return undefined;
    const apart = this.print(origin, request);
    const exchange = kept.send(this.out, apart);
    deadline.stops(exchange);
    return exchange;
  }

  /** The same over a connection of its own. */
  async sendFresh(
    request: HttpRequest,
    deadline: Deadline,
    connectMs: number,
    waiting: () => void,
  ): Promise<Exchange> {
    const { guard, body } = request;
    const origin = originFor(request);
    // Before there is a connection that somebody would have to close again.
    checkHead(request);
    deadline.allow(connectMs, "connect");
    const judged = guard ? await judgedOrigin(origin, guard, deadline) : origin;
    const fresh = await Connection.open(judged, deadline);
    fresh.onFree = this.keep;
    const upload = isUpload(body) ? body : undefined;
    if (!upload) waiting();
    const apart = this.print(origin, request);
    const exchange = fresh.send(this.out, apart);
    deadline.stops(exchange);
    // Not waited for: a provider may answer before it has heard all.
    if (upload) void sendUpload(fresh, exchange, upload, deadline, waiting);
    await exchange.response();
    return exchange;
  }

  close(): void {
    clearInterval(this.sweeping);
    for (const list of this.idle.values()) for (const connection of list) connection.destroy();
    this.idle.clear();
  }

  /** All of a request, or but for a body that is sent from where it is, which is returned. */
  private print(origin: Origin, request: HttpRequest): Uint8Array | undefined {
    const { out } = this;
    const { body } = request;
    out.clear();
    printHead(out, origin, request);
    if (isUpload(body)) return undefined;
    if (body instanceof Uint8Array && body.length > COPIED_BYTES_MAX) return body;
    if (typeof body === "string") out.text(body);
    else writeContent(out, body);
    return undefined;
  }

  private takeIdle(origin: Origin): Connection | undefined {
    const list = this.idle.get(origin.id);
    for (let last = list?.pop(); last; last = list?.pop()) {
      if (!last.isClosed) return last;
    }
    return undefined;
  }

  /** One function for all connections: a closure each would keep alive what was sent on it first. */
  private readonly keep = (connection: Connection): void => {
    const { id } = connection.origin;
    const list = this.idle.get(id) ?? [];
    this.idle.set(id, list);
    if (list.length >= IDLE_PER_ORIGIN_MAX) {
      connection.destroy();
      return;
    }
    connection.idleSince = performance.now();
    list.push(connection);
    this.sweeping ??= this.sweepOften();
  };

  private sweepOften(): ReturnType<typeof setInterval> {
    return setInterval(() => this.sweep(), SWEEP_MS);
  }

  private sweep(): void {
    const oldest = performance.now() - IDLE_MS_MAX;
    for (const [baseUrl, list] of this.idle) {
      const kept = list.filter((connection) => {
        if (connection.isClosed || connection.idleSince > oldest) return !connection.isClosed;
        connection.destroy();
        return false;
      });
      if (kept.length > 0) this.idle.set(baseUrl, kept);
      else this.idle.delete(baseUrl);
    }
    if (this.idle.size > 0) return;
    clearInterval(this.sweeping);
    this.sweeping = undefined;
  }
}

const originFor = ({ guard, baseUrl, address }: HttpRequest): Origin =>
  guard ? guardedOriginOf(baseUrl) : originOf(baseUrl, address);

/** Every connection has its own look at the name, and is made to the address that was judged. */
async function judgedOrigin(origin: Origin, guard: Guard, deadline: Deadline): Promise<Origin> {
  const address = await new Promise<string>((resolve, reject) => {
    deadline.stops({ stop: reject });
    guard(origin.host).then(resolve, reject);
  });
  return { ...origin, address };
}

/** What would end a line early, and let a value write headers or requests of its own. */
const BREAKS_PATH = /[^\x21-\x7e]/;
const BREAKS_HEADER = /[\r\n\0]/;

/** Longer bodies are not copied to be sent together with their heads. */
const COPIED_BYTES_MAX = 64 * 1024;
const LINE_END = "\r\n";

const printed = new WeakMap<object, Uint8Array>();

/** Throws ProtocolError for what could be read as another request than it is meant to be. */
function checkHead({ path, headers }: HttpRequest): void {
  if (BREAKS_PATH.test(path) || !path.startsWith("/"))
    throw new ProtocolError("the path holds a character no path may hold");
  linesOf(headers);
}

/** Everything before the body, of what was checked. */
function printHead(out: ByteWriter, origin: Origin, request: HttpRequest): void {
  const { path, headers, requestId, body, method = "POST" } = request;
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

const isUpload = (body: HttpRequest["body"]): body is Upload =>
  typeof body === "object" && !(body instanceof Uint8Array) && !(body instanceof Spliced);
