/** What callers are answered with. */
import { type Part, textOfPart } from "../kernel/byte-writer.js";
import { bytesOf, type Content } from "../kernel/content.js";

/** Where a stream is written to. */
export type Sink = {
  readonly write: (bytes: Uint8Array) => void;
  /** Resolves once a slow caller has taken what was written; undefined where that is so already. */
  readonly flush: () => Promise<unknown> | undefined;
  readonly close: () => void;
};

/** A body that comes bit by bit. */
export type Source = {
  /** Writes all of it; rejects where it breaks off. */
  readonly run: (sink: Sink) => Promise<void>;
  /** The caller is gone. */
  readonly abandon: () => Promise<void> | void;
};

export class StreamReply {
  readonly status: number;
  readonly headers: Headers;
  readonly source: Source;

  constructor(status: number, headers: Headers, source: Source) {
    this.status = status;
    this.headers = headers;
    this.source = source;
  }
}

/** A whole answer, good, that is put together where it is sent: a `Response` costs as much as all else about it. */
export class WholeReply {
  /** A line for each header, with its line break, in as many parts as it takes. */
  readonly head: readonly Part[];
  readonly body: Content;
  /** Resolves once its charge is on record: before that it must not go out. */
  readonly written: Promise<void>;

  constructor(head: readonly Part[], body: Content, written: Promise<void>) {
    this.head = head;
    this.body = body;
    this.written = written;
  }
}

export type Reply = Response | StreamReply | WholeReply;

export function responseOf(reply: Reply): Response {
  if (reply instanceof Response) return reply;
  if (reply instanceof WholeReply) {
    const body = bytesOf(reply.body) as Uint8Array<ArrayBuffer>;
    return new Response(body, { headers: headersOf(reply.head) });
  }
  const { status, headers, source } = reply;
  const body: Bun.DirectUnderlyingSource<Uint8Array> = {
    type: "direct",
    pull: (controller) => source.run(sinkFor(controller)),
    cancel: () => source.abandon(),
  };
  return new Response(new ReadableStream<Uint8Array>(body as object), { status, headers });
}

/** The same answer with more headers. */
export function withHeaders(reply: Reply, more: Readonly<Record<string, string>>): Reply {
  const added = Object.entries(more);
  if (reply instanceof WholeReply) {
    const { head, body, written } = reply;
    const lines = added.map(([name, value]) => headerLine(name, value));
    return new WholeReply([...head, ...lines], body, written);
  }
  for (const [name, value] of added) reply.headers.set(name, value);
  return reply;
}

const sinkFor = (controller: ReadableStreamDirectController): Sink => ({
  write: (bytes) => void controller.write(bytes as Uint8Array<ArrayBuffer>),
  flush: () => {
    const flushed: unknown = controller.flush();
    return flushed instanceof Promise ? flushed : undefined;
  },
  close: () => controller.close(),
});

/** Throws for a value that would end its line, and so write headers of its own. */
export function headerLine(name: string, value: string): string {
  if (BREAKS_LINE.test(value)) throw new Error(`the header ${name} holds a line break`);
  return `${name}: ${value}\r\n`;
}

const BREAKS_LINE = /[^\t\x20-\x7e]/;

/** `lines` as `WholeReply` has them. */
export function headersOf(lines: readonly Part[]): Headers {
  const headers = new Headers();
  for (const line of lines.map(textOfPart).join("").split("\r\n")) {
    const colon = line.indexOf(": ");
    if (colon > 0) headers.set(line.slice(0, colon), line.slice(colon + 2));
  }
  return headers;
}
