import type { Incoming } from "../incoming.js";
import { RequestBody } from "./request-body.js";
import type { RequestHead } from "./request-head.js";

/** A request as it came in over a connection. Its body came whole with its head, or comes bit by bit. */
export class ServerRequest implements Incoming {
  readonly headers: RequestHead;
  private readonly content: Buffer | RequestBody;
  private controller: AbortController | undefined;
  private isAborted = false;

  constructor(head: RequestHead, content: Buffer | RequestBody) {
    this.headers = head;
    this.content = content;
  }

  get method(): string {
    return this.headers.method;
  }

  get url(): string {
    return this.headers.url;
  }

  /** What comes bit by bit; undefined for a body that is whole, or none. */
  get coming(): RequestBody | undefined {
    return this.content instanceof RequestBody ? this.content : undefined;
  }

  get body(): AsyncIterable<Uint8Array> | null {
    if (this.content instanceof RequestBody) return this.content;
    return this.content.length === 0 ? null : oneByOne(this.content);
  }

  textAtHand(): string | undefined {
    return this.content instanceof RequestBody ? undefined : this.content.toString("utf8");
  }

  async text(): Promise<string> {
    return this.textAtHand() ?? Buffer.from(await this.bytes()).toString("utf8");
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.content instanceof RequestBody ? this.content.bytes() : Buffer.from(this.content);
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
