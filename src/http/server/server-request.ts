import type { Incoming } from "../incoming.js";
import type { RequestBody } from "./request-body.js";
import type { RequestHead } from "./request-head.js";

/** A request as it came in over a connection. */
export class ServerRequest implements Incoming {
  readonly headers: RequestHead;
  readonly body: RequestBody | null;
  private controller: AbortController | undefined;
  private isAborted = false;

  constructor(head: RequestHead, body: RequestBody | null) {
    this.headers = head;
    this.body = body;
  }

  get method(): string {
    return this.headers.method;
  }

  get url(): string {
    return this.headers.url;
  }

  textAtHand(): string | undefined {
    return this.body === null ? "" : this.body.textAtHand();
  }

  async text(): Promise<string> {
    return this.body === null ? "" : this.body.text();
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.body === null ? new Uint8Array() : this.body.bytes();
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
    this.body?.fail(new Error("the caller hung up"));
  }
}
