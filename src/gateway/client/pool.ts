/**
 * An HTTP/1.1 client on Bun's sockets. Bun's own `fetch` hands every request to another thread and back and has
 * one time limit for connecting and waiting together; this one costs half as much and tells the two apart.
 */
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
  readonly body: string | Uint8Array | Upload;
  /** Of a text, where that is known: to count them means to put it together, and it is put together once more with its head. */
  readonly bodyBytes?: number | undefined;
};

export class HttpPool {
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
    const { body } = request;
    if (isUpload(body)) return undefined;
    const origin = originFor(request);
    const message = printRequest(origin, request);
    const exchange = this.takeIdle(origin)?.send(message, bytesOf(body));
    if (exchange) deadline.stops(exchange);
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
    const message = printRequest(origin, request);
    deadline.allow(connectMs, "connect");
    const judged = guard ? await judgedOrigin(origin, guard, deadline) : origin;
    const fresh = await Connection.open(judged, deadline);
    fresh.onFree = this.keep;
    const upload = isUpload(body) ? body : undefined;
    if (!upload) waiting();
    const exchange = fresh.send(message, bytesOf(body));
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

const printed = new WeakMap<object, string>();

/** All of a request whose body is text; up to its body where that is bytes. */
function printRequest(origin: Origin, request: HttpRequest): string {
  const { path, headers, requestId, body, bodyBytes, method = "POST" } = request;
  if (BREAKS_PATH.test(path) || !path.startsWith("/"))
    throw new ProtocolError("the path holds a character no path may hold");
  const length = bodyBytes ?? (isUpload(body) ? body.length : Buffer.byteLength(body));
  // A GET has no body, and some servers refuse even the length of none.
  const framing = method === "GET" ? "" : `content-length: ${length}\r\n`;
  const head = `${method} ${origin.pathPrefix}${path} HTTP/1.1\r\nhost: ${origin.hostHeader}\r\n${printHeaders(headers)}x-turnpike-request-id: ${requestId}\r\n${framing}\r\n`;
  return typeof body === "string" ? head + body : head;
}

function printHeaders(headers: Readonly<Record<string, string>>): string {
  let text = printed.get(headers);
  if (text !== undefined) return text;
  text = "";
  for (const [name, value] of Object.entries(headers)) {
    if (BREAKS_HEADER.test(value)) throw new ProtocolError(`the header ${name} holds a line break`);
    text += `${name}: ${value}\r\n`;
  }
  printed.set(headers, text);
  return text;
}

const isUpload = (body: HttpRequest["body"]): body is Upload =>
  typeof body === "object" && !(body instanceof Uint8Array);

const bytesOf = (body: HttpRequest["body"]): Uint8Array | undefined =>
  body instanceof Uint8Array ? body : undefined;
