import { type Span, startOfText } from "../../kernel/span.js";
import type { Incoming } from "../incoming.js";
import type { RequestBody } from "./request-body.js";
import type { RequestHead } from "./request-head.js";

/** A request as it came in over a connection. */
export class ServerRequest implements Incoming {
  readonly headers: RequestHead;
  /** A body that comes bit by bit; undefined for one that came whole with its head, and for none. */
  readonly coming: RequestBody | undefined;
  /** What came in: the head, and the body where that is not coming. */
  private readonly message: Buffer;
  private controller: AbortController | undefined;
  private isAborted = false;

  constructor(head: RequestHead, message: Buffer, coming: RequestBody | undefined) {
    this.headers = head;
    this.message = message;
    this.coming = coming;
  }

  get method(): string {
    return this.headers.method;
  }

  get url(): string {
    return this.headers.url;
  }

  get bodyLength(): number | undefined {
    return this.headers.length;
  }

  get body(): AsyncIterable<Uint8Array> | null {
    if (this.coming) return this.coming;
    return this.headers.length ? oneByOne(this.whole()) : null;
  }

  spanAtHand(): Span | undefined {
    if (this.coming) return undefined;
    const { headBytes, messageBytes } = this.headers;
    const start = startOfText(this.message, headBytes);
    return { bytes: this.message, start, end: messageBytes };
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.coming ? this.coming.bytes() : Buffer.from(this.whole());
  }

  private whole(): Buffer {
    return this.message.subarray(this.headers.headBytes, this.headers.messageBytes);
  }

  /** Made when it is first asked for: most requests are over before anybody does. */
  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.isAborted) this.controller.abort();
    return this.controller.signal;
  }

  /** The caller hung up. */
  abort(): void {
    this.isAborted = true;
    this.controller?.abort();
    this.coming?.fail(new Error("the caller hung up"));
  }
}

async function* oneByOne(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
