/** One request and its answer on a connection: bytes come in as they arrive, and are taken out when wanted. */
import { type Span, startOfText } from "../../kernel/span.js";
import { BodyDecoder } from "./body-decoder.js";
import { framingOf, ResponseHead } from "./response-head.js";

/** Above this much unread text the provider is made to wait: more than Bun delivers at once, which is 512 KB. */
const UNREAD_BYTES_MAX = 768 * 1024;

/** What an exchange does to the connection it is on. */
export type Flow = {
  readonly pause: () => void;
  readonly resume: () => void;
  readonly destroy: () => void;
};

type Waiter = PromiseWithResolvers<void>;

export class Exchange {
  private readonly flow: Flow;
  /** Status and headers, once they are there. */
  head: ResponseHead | undefined;
  private decoder: BodyDecoder | undefined;
  private early: Buffer | undefined;
  /** A body that came whole and with its head is left where it is, from `wholeAt` on: cutting it out costs more. */
  private whole: Buffer | undefined;
  private wholeAt = 0;
  /** Undefined as long as nothing lay here: most bodies come whole. */
  private unread: Buffer[] | undefined;
  private unreadBytes = 0;
  private waiter: Waiter | undefined;
  private follower: (() => void) | undefined;
  private failure: { readonly reason: unknown } | undefined;
  private isClosed = false;
  /** Whether anything of an answer came at all. */
  hasBegun = false;

  constructor(flow: Flow) {
    this.flow = flow;
  }

  /** The answer is complete; the connection may serve the next request. */
  get isComplete(): boolean {
    return this.decoder?.isDone === true && this.failure === undefined;
  }

  get mayReuse(): boolean {
    const { head } = this;
    if (!this.isComplete || !head) return false;
    // Chunks win over a length, as the standard has it, but somebody between us and the provider may have it the other way.
    if (this.decoder?.isChunked && head.get("content-length") !== undefined) return false;
    return !head.says("connection", "close");
  }

  /** Resolves once `head` is there; rejects when the exchange failed before. */
  response(): Promise<void> {
    return this.head ? Promise.resolve() : this.more();
  }

  /** The next bytes of the body, or undefined at its end; rejects when it breaks off. */
  async read(): Promise<Buffer | undefined> {
    while (!this.isAtEnd) {
      const next = this.takeUnread();
      if (next) return next;
      await this.more();
    }
    return undefined;
  }

  /**
   * Calls `take` now and whenever something has arrived, for as long as it wants more; rejects when the exchange
   * fails or `take` throws. One promise for any number of arrivals.
   */
  follow(take: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        try {
          if (this.failure) throw this.failure.reason;
          if (take()) return;
          this.follower = undefined;
          resolve();
        } catch (thrown) {
          this.follower = undefined;
          reject(thrown);
        }
      };
      this.follower = look;
      look();
    });
  }

  /** What has arrived of the body and was not taken yet, without waiting; undefined when there is nothing. */
  takeUnread(): Buffer | undefined {
    const { whole } = this;
    if (whole) {
      this.whole = undefined;
      return whole.subarray(this.wholeAt);
    }
    const next = this.unread?.shift();
    if (!next) return undefined;
    this.unreadBytes -= next.length;
    if (this.unreadBytes < UNREAD_BYTES_MAX) this.flow.resume();
    return next;
  }

  /** All of the body, where it came whole with its head, is at most `bytesMax` long and was not taken. */
  takeWhole(bytesMax: number): Span | undefined {
    const { whole } = this;
    if (!whole || whole.length - this.wholeAt > bytesMax) return undefined;
    this.whole = undefined;
    return { bytes: whole, start: startOfText(whole, this.wholeAt), end: whole.length };
  }

  /** All of the body has arrived and was taken. */
  get isAtEnd(): boolean {
    if (this.whole || this.unread?.length) return false;
    return this.isComplete || (this.isClosed && this.decoder?.endsWhole() === true);
  }

  /** Bytes from the connection. Throws ProtocolError for what is not HTTP. */
  push(bytes: Buffer): void {
    this.hasBegun = true;
    if (this.decoder) this.pushBody(bytes);
    else this.pushHead(this.early ? Buffer.concat([this.early, bytes]) : bytes);
    if (this.head) this.wake();
  }

  /** The connection ended. */
  close(): void {
    this.isClosed = true;
    if (this.decoder?.endsWhole()) this.wake();
    else this.fail(new Error("the connection ended in the middle of the answer"));
  }

  /** Ends the exchange and its connection, unless it is over: the connection may serve somebody else by now. */
  stop(reason: unknown): void {
    if (this.isComplete) return;
    this.fail(reason);
    this.flow.destroy();
  }

  fail(reason: unknown): void {
    this.failure ??= { reason };
    this.wake();
  }

  private pushHead(bytes: Buffer): void {
    const head = ResponseHead.read(bytes, 0);
    if (!head) {
      this.early = bytes;
      return;
    }
    this.early = undefined;
    const bodyAt = head.end;
    // "100 Continue" and its kin announce the answer proper.
    if (head.status < 200) {
      if (bodyAt < bytes.length) this.pushHead(bytes.subarray(bodyAt));
      return;
    }
    this.decoder = new BodyDecoder(framingOf(head));
    this.head = head;
    if (bodyAt === bytes.length) return;
    if (this.decoder.takesWhole(bytes.length - bodyAt)) {
      this.whole = bytes;
      this.wholeAt = bodyAt;
    } else {
      this.pushBody(bytes.subarray(bodyAt));
    }
  }

  private pushBody(bytes: Buffer): void {
    this.unread ??= [];
    const before = this.unread.length;
    this.decoder?.push(bytes, this.unread);
    for (let i = before; i < this.unread.length; i++)
      this.unreadBytes += this.unread[i]?.length ?? 0;
    if (this.unreadBytes >= UNREAD_BYTES_MAX) this.flow.pause();
  }

  private more(): Promise<void> {
    if (this.failure) return Promise.reject(this.failure.reason);
    this.waiter = Promise.withResolvers();
    return this.waiter.promise;
  }

  private wake(): void {
    const { waiter } = this;
    this.waiter = undefined;
    if (this.failure) waiter?.reject(this.failure.reason);
    else waiter?.resolve();
    this.follower?.();
  }
}
