/** A TCP or TLS connection to a provider: one exchange at a time. */
import type { Socket, SocketHandler } from "bun";
import type { ByteWriter } from "../../kernel/byte-writer.js";
import type { Deadline } from "../deadline.js";
import { Exchange } from "./exchange.js";
import type { Origin } from "./origin.js";

/** Why no connection came about, so that nothing was sent. */
export class ConnectError extends Error {}

const nothing = (): void => {};

type Opening = { readonly resolve: () => void; readonly reject: (reason: unknown) => void };

/** One set of handlers for all connections: Bun keeps what it is given for as long as a socket lives. */
const handlers: SocketHandler<Connection> = {
  open: (socket) => socket.data.opened(socket),
  handshake: (socket, isGood, error) => socket.data.shookHands(socket, isGood, error),
  data: (socket, bytes) => socket.data.receive(bytes),
  drain: (socket) => socket.data.sendRest(),
  error: (socket, error) => socket.data.end(error),
  close: (socket) => socket.data.end(undefined),
  connectError: (socket, error) => socket.data.end(error),
};

export class Connection {
  readonly origin: Origin;
  private opening: Opening | undefined;
  private socket: Socket<Connection> | undefined;
  private exchange: Exchange | undefined;
  private unsent: Uint8Array | undefined;
  private drained: (() => void) | undefined;
  /** More of the request is to come. */
  isSending = false;
  private isPaused = false;
  /** Since when it waits for another request, by `performance.now()`. */
  idleSince = 0;
  /** Ended by either side. */
  isClosed = false;
  /** Called when an answer is complete and the connection may be used again. */
  onFree: (connection: Connection) => void = nothing;

  private constructor(origin: Origin) {
    this.origin = origin;
  }

  /** Resolves once connected and, over TLS, the certificate was found good for the host. */
  static async open(origin: Origin, deadline: Deadline): Promise<Connection> {
    const connection = new Connection(origin);
    await new Promise<void>((resolve, reject) => {
      connection.opening = { resolve, reject };
      deadline.stops({
        stop: (reason) => {
          connection.destroy();
          reject(reason);
        },
      });
      Bun.connect({
        hostname: origin.address,
        port: origin.port,
        data: connection,
        socket: handlers,
        ...(origin.isTls && { tls: { serverName: origin.host, rejectUnauthorized: true } }),
      }).catch((cause) => connection.end(cause));
    });
    connection.opening = undefined;
    return connection;
  }

  opened(socket: Socket<Connection>): void {
    this.socket = socket;
    // Given up on while it was connecting.
    if (this.isClosed) socket.terminate();
    socket.setNoDelay(true);
    if (!this.origin.isTls) this.opening?.resolve();
  }

  shookHands(socket: Socket<Connection>, isGood: boolean, error: Error | null): void {
    if (isGood) {
      this.opening?.resolve();
      return;
    }
    socket.terminate();
    this.end(error);
  }

  /**
   * Sends a request, whole or up to an upload; its answer comes through the exchange. Nearly always the socket takes all of
   * it at once. A body apart from it is not copied, however much of it has to wait.
   */
  send({ bytes, length }: Pick<ByteWriter, "bytes" | "length">, body?: Uint8Array): Exchange {
    const exchange = new Exchange(this);
    this.exchange = exchange;
    const sent = this.writeSome(bytes, length);
    if (sent < length) {
      const rest = Buffer.from(bytes.subarray(sent, length));
      this.unsent = body ? Buffer.concat([rest, body]) : rest;
    } else if (body) {
      const taken = this.writeSome(body);
      if (taken < body.length) this.unsent = body.subarray(taken);
    }
    return exchange;
  }

  private writeSome(bytes: Uint8Array, length = bytes.length): number {
    return Math.max(0, this.socket?.write(bytes, 0, length) ?? 0);
  }

  /** Closes at once, without waiting for anything. */
  destroy(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.drained?.();
    this.socket?.terminate();
  }

  sendRest(): void {
    if (this.unsent && this.socket) {
      const sent = this.writeSome(this.unsent);
      this.unsent = sent >= this.unsent.length ? undefined : this.unsent.subarray(sent);
    }
    if (this.unsent) return;
    this.drained?.();
    this.drained = undefined;
  }

  /** Sends more of a request; resolves once it is out, or nobody wants it any more. */
  write(bytes: Uint8Array): Promise<void> | void {
    if (this.isClosed || !this.socket) return;
    // What the socket does not take at once must not change: the caller may reuse its buffer.
    if (this.unsent) this.unsent = Buffer.concat([this.unsent, bytes]);
    else {
      const sent = this.writeSome(bytes);
      if (sent >= bytes.length) return;
      this.unsent = Buffer.from(bytes.subarray(sent));
    }
    return new Promise((resolve) => {
      this.drained = resolve;
    });
  }

  receive(bytes: Buffer): void {
    const { exchange } = this;
    // Bytes nobody asked for: whatever they are, the connection cannot be trusted with another request.
    if (!exchange) this.destroy();
    else this.deliver(exchange, bytes);
  }

  private deliver(exchange: Exchange, bytes: Buffer): void {
    try {
      exchange.push(bytes);
    } catch (broken) {
      this.exchange = undefined;
      exchange.fail(broken);
      this.destroy();
      return;
    }
    if (!exchange.isComplete) return;
    this.exchange = undefined;
    this.resume();
    if (exchange.mayReuse && !this.unsent && !this.isSending) this.onFree(this);
    else this.destroy();
  }

  end(error: unknown): void {
    this.isClosed = true;
    this.drained?.();
    this.opening?.reject(new ConnectError("no connection", { cause: error }));
    const { exchange } = this;
    this.exchange = undefined;
    if (error === undefined) exchange?.close();
    else exchange?.fail(error);
  }

  /** Makes the provider wait. */
  pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.socket?.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.socket?.resume();
  }
}
