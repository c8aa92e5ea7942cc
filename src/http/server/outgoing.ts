import type { Socket } from "bun";
import type { Sink } from "../../gateway/reply.js";
import { chunkOf, LAST_CHUNK } from "./print-answer.js";

/** The way back to a caller. Keeps what a slow one has not taken yet. */
export class Outgoing {
  private readonly socket: Pick<Socket<unknown>, "write">;
  private unsent: Uint8Array | undefined;
  private drained: PromiseWithResolvers<void> | undefined;
  private isClosed = false;

  constructor(socket: Pick<Socket<unknown>, "write">) {
    this.socket = socket;
  }

  /** The caller has taken all of it. */
  get isEmpty(): boolean {
    return this.unsent === undefined;
  }

  /** What is not taken at once is copied: the memory it stands in may be used again. */
  write(bytes: Uint8Array, length = bytes.length): void {
    if (this.isClosed) return;
    if (this.unsent) {
      this.unsent = Buffer.concat([this.unsent, bytes.subarray(0, length)]);
      return;
    }
    const sent = Math.max(0, this.socket.write(bytes, 0, length));
    if (sent < length) this.unsent = Buffer.from(bytes.subarray(sent, length));
  }

  /** For a body that comes bit by bit. */
  sink(isChunked: boolean): Sink {
    return {
      // A chunk of nothing would be the last one.
      write: (bytes) => bytes.length > 0 && this.write(isChunked ? chunkOf(bytes) : bytes),
      flush: () => this.flush(),
      close: () => isChunked && this.write(LAST_CHUNK),
    };
  }

  /** The caller takes more. */
  sendRest(): void {
    if (this.unsent) {
      const sent = Math.max(0, this.socket.write(this.unsent));
      this.unsent = sent >= this.unsent.length ? undefined : this.unsent.subarray(sent);
    }
    if (!this.unsent) this.wake();
  }

  /** The caller is gone. */
  close(): void {
    this.isClosed = true;
    this.wake();
  }

  private flush(): Promise<void> | undefined {
    if (!this.unsent || this.isClosed) return undefined;
    this.drained ??= Promise.withResolvers();
    return this.drained.promise;
  }

  private wake(): void {
    this.drained?.resolve();
    this.drained = undefined;
  }
}
