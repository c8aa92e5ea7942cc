/** A caller's body: bytes come in as they arrive, and are taken out when a handler wants them. */
import { BodyDecoder, type Framing } from "../../gateway/client/body-decoder.js";
import { UNREAD_BYTES_MAX } from "../../kernel/limits.js";

/** What a body does to the connection it comes in on. */
export type Flow = {
  /** Somebody waits for more of the body. */
  readonly wanted: () => void;
  readonly pause: () => void;
  readonly resume: () => void;
};

export class RequestBody implements AsyncIterable<Uint8Array> {
  private readonly flow: Flow;
  private readonly decoder: BodyDecoder;
  private unread: Buffer[] = [];
  private unreadBytes = 0;
  private waiter: PromiseWithResolvers<void> | undefined;
  private failure: { readonly reason: unknown } | undefined;

  constructor(framing: Framing, flow: Flow) {
    this.flow = flow;
    this.decoder = new BodyDecoder(framing, "strict");
  }

  /** All of it has come in. */
  get isComplete(): boolean {
    return this.decoder.isDone && !this.failure;
  }

  /**
   * Takes in what belongs to it; returns how many bytes that were. Throws ProtocolError for broken framing, and for what
   * stands behind the last chunk: then it is no body at all.
   */
  push(bytes: Buffer): number {
    if (this.failure) return bytes.length;
    const own = this.decoder.belonging(bytes.length);
    const parts: Buffer[] = [];
    try {
      this.decoder.push(own === bytes.length ? bytes : bytes.subarray(0, own), parts);
    } catch (reason) {
      this.failure = { reason };
      this.wake();
      throw reason;
    }
    const part = onePart(parts, own);
    if (part.length > 0) this.unread.push(part);
    this.unreadBytes += part.length;
    if (this.unreadBytes >= UNREAD_BYTES_MAX && !this.isComplete) this.flow.pause();
    this.wake();
    return own;
  }

  /** It breaks off: the caller hung up, or sent what is no HTTP. */
  fail(reason: unknown): void {
    if (!this.isComplete) this.failure ??= { reason };
    this.wake();
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array[] = [];
    for await (const part of this) parts.push(part);
    return Buffer.concat(parts);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.failure) throw this.failure.reason;
      const parts = this.unread;
      this.unread = [];
      this.unreadBytes = 0;
      this.flow.resume();
      yield* parts;
      if (this.unread.length > 0) continue;
      if (this.isComplete) return;
      if (this.failure) continue;
      this.flow.wanted();
      this.waiter = Promise.withResolvers();
      await this.waiter.promise;
    }
  }

  private wake(): void {
    const { waiter } = this;
    this.waiter = undefined;
    waiter?.resolve();
  }
}

/** What was cut out of its framing is copied: a few bytes must not keep a large piece alive, nor be many objects. */
function onePart(parts: readonly Buffer[], received: number): Buffer {
  const [first] = parts;
  if (parts.length === 1 && first && first.length === received) return first;
  return Buffer.concat(parts);
}
