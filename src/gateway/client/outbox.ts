/**
 * Requests on their way to providers. Those that are sent in one go are put together one behind the other, and then
 * written in a row: what the system needs in the processor's caches for a write serves all of them, and a provider
 * nearby is woken once.
 */
import { ByteWriter } from "../../kernel/byte-writer.js";
import { writeContent } from "../../kernel/content.js";
import type { Connection } from "./connection.js";
import { type HttpRequest, isUpload, printHead } from "./http-request.js";

/** Longer bodies are not copied to be sent together with their heads. */
const COPIED_BYTES_MAX = 64 * 1024;
/** With so much put together nothing more is waited for. */
const FULL_BYTES = 256 * 1024;

/** What goes over a connection: a stretch of what was put together, and behind it a body that stands elsewhere. */
type Letter = {
  readonly connection: Connection;
  readonly start: number;
  readonly end: number;
  readonly apart: Uint8Array | undefined;
};

export class Outbox {
  private readonly out = new ByteWriter();
  private letters: Letter[] = [];

  /** Has a request written, whole or up to an upload, before anything else happens. */
  post(connection: Connection, request: HttpRequest): void {
    const { out } = this;
    const start = out.length;
    printHead(out, connection.origin, request);
    const apart = this.addBody(request);
    if (this.letters.push({ connection, start, end: out.length, apart }) === 1) {
      queueMicrotask(this.flush);
    }
    if (out.length >= FULL_BYTES) this.flush();
  }

  readonly flush = (): void => {
    const { letters, out } = this;
    this.letters = [];
    for (const { connection, start, end, apart } of letters) {
      connection.write(out.bytes, start, end);
      if (apart) connection.writeKept(apart);
    }
    out.clear();
  };

  /** The body, where it is to be sent from where it stands. */
  private addBody({ body }: HttpRequest): Uint8Array | undefined {
    if (isUpload(body)) return undefined;
    if (body instanceof Uint8Array && body.length > COPIED_BYTES_MAX) return body;
    if (typeof body === "string") this.out.text(body);
    else writeContent(this.out, body);
    return undefined;
  }
}
