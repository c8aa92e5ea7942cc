/** A TCP or TLS connection to a provider: one exchange at a time. */
import type { Socket } from "bun";
import { Exchange } from "./exchange.js";
import type { Origin } from "./origin.js";

export class ConnectError extends Error {}

export class Connection {
  private socket: Socket<undefined> | undefined;
  private exchange: Exchange | undefined;
  private unsent: Uint8Array | undefined;
  private isPaused = false;
  /** Ended by either side. */
  isClosed = false;
  /** Called when an answer is complete and the connection may be used again. */
  onFree: () => void = () => {};
  /** Called when the connection ends. */
  onClose: () => void = () => {};

  /** Resolves once connected and, over TLS, the certificate was found good for the host. */
  static open(
    origin: Origin,
    stopped: (stop: (reason: unknown) => void) => void,
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const connection = new Connection();
      stopped((reason) => {
        connection.destroy();
        reject(reason);
      });
      const refuse = (cause: unknown) => reject(new ConnectError("no connection", { cause }));
      Bun.connect({
        hostname: origin.host,
        port: origin.port,
        ...(origin.isTls && { tls: { serverName: origin.host, rejectUnauthorized: true } }),
        socket: {
          open: (socket) => {
            if (connection.isClosed) socket.terminate();
            connection.socket = socket;
            socket.setNoDelay(true);
            if (!origin.isTls) resolve(connection);
          },
          handshake: (socket, isGood, error) => {
            if (isGood) return resolve(connection);
            socket.terminate();
            refuse(error);
          },
          data: (_, bytes) => connection.receive(bytes),
          drain: () => connection.sendRest(),
          error: (_, error) => connection.end(error),
          close: () => {
            refuse(new Error("closed while connecting"));
            connection.end(undefined);
          },
          connectError: (_, error) => refuse(error),
        },
      }).catch(refuse);
    });
  }

  /** Sends a whole request; its answer comes through the exchange. */
  send(bytes: Uint8Array): Exchange {
    const exchange = new Exchange({ pause: () => this.pause(), resume: () => this.resume() });
    this.exchange = exchange;
    this.unsent = bytes;
    this.sendRest();
    return exchange;
  }

  /** Closes at once, without waiting for anything. */
  destroy(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.socket?.terminate();
    this.onClose();
  }

  private sendRest(): void {
    if (!this.unsent || !this.socket) return;
    const sent = this.socket.write(this.unsent);
    this.unsent = sent >= this.unsent.length ? undefined : this.unsent.subarray(Math.max(0, sent));
  }

  private receive(bytes: Uint8Array): void {
    const { exchange } = this;
    // Bytes nobody asked for: whatever they are, the connection cannot be trusted with another request.
    if (!exchange) this.destroy();
    else this.deliver(exchange, bytes);
  }

  private deliver(exchange: Exchange, bytes: Uint8Array): void {
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
    if (exchange.mayReuse && !this.unsent) this.onFree();
    else this.destroy();
  }

  private end(error: unknown): void {
    this.isClosed = true;
    const { exchange } = this;
    this.exchange = undefined;
    if (error === undefined) exchange?.close();
    else exchange?.fail(error);
    this.onClose();
  }

  private pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.socket?.pause();
  }

  private resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.socket?.resume();
  }
}
