/**
 * An HTTP/1.1 client on Bun's sockets. Bun's own `fetch` hands every request to another thread and back and has
 * one time limit for connecting and waiting together; this one costs half as much and tells the two apart.
 */
import type { Deadline } from "../deadline.js";
import type { Guard } from "../registry/guard.js";
import { Connection } from "./connection.js";
import type { Exchange } from "./exchange.js";
import { checkHead, type HttpRequest, isUpload } from "./http-request.js";
import { guardedOriginOf, type Origin, originOf } from "./origin.js";
import { Outbox } from "./outbox.js";
import { sendUpload } from "./upload.js";

const IDLE_PER_ORIGIN_MAX = 1_024;
/** Many servers close a connection after 60 s of silence; we are gone before they are. */
const IDLE_MS_MAX = 30_000;
const SWEEP_MS = 5_000;

export class HttpPool {
  private readonly outbox = new Outbox();
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
    return kept && this.sendOver(kept, request, deadline);
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
    const exchange = this.sendOver(fresh, request, deadline);
    if (upload) {
      this.outbox.flush();
      // Not waited for: a provider may answer before it has heard all.
      void sendUpload(fresh, exchange, upload, deadline, waiting);
    }
    await exchange.response();
    return exchange;
  }

  private sendOver(connection: Connection, request: HttpRequest, deadline: Deadline): Exchange {
    const exchange = connection.begin();
    deadline.stops(exchange);
    this.outbox.post(connection, request);
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
