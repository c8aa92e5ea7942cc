import type { Span } from "../kernel/span.js";

/** A request as handlers see it: as much of a web `Request` as they make use of, so that one can stand in for it. */
export type Incoming = {
  readonly method: string;
  readonly url: string;
  readonly headers: Pick<Headers, "get" | "has">;
  /** How long the body is said to be, in bytes, where that is known without a look at the headers. */
  readonly bodyLength?: number | undefined;
  /** Null for none. */
  readonly body: AsyncIterable<Uint8Array> | null;
  readonly bytes: () => Promise<Uint8Array<ArrayBuffer>>;
  /** The whole body where it is there already, which is nearly always: to wait for it would cost a promise. */
  readonly spanAtHand?: () => Span | undefined;
  /** Aborts when the caller hangs up. */
  readonly signal: AbortSignal;
};
