/** What bodies are made of. */
import { ByteWriter, lengthOfPart, type Part } from "./byte-writer.js";
import type { Span } from "./span.js";

export type Content = Uint8Array | Spliced;

/** Bytes with others in place of some of them, or put in between; they become one only where they are written. */
export class Spliced {
  /** In bytes. */
  readonly length: number;
  private readonly around: Span;
  private readonly from: number;
  private readonly to: number;
  private readonly put: readonly Part[];

  /** What stands between two places of `around`'s buffer is left out for `put`, whose texts are all ASCII. */
  constructor(around: Span, from: number, to: number, put: readonly Part[]) {
    this.around = around;
    this.from = from;
    this.to = to;
    this.put = put;
    let length = around.end - around.start - (to - from);
    for (const part of put) length += lengthOfPart(part);
    this.length = length;
  }

  writeTo(out: ByteWriter): void {
    const { bytes, start, end } = this.around;
    out.copy(bytes, start, this.from);
    out.parts(this.put);
    out.copy(bytes, this.to, end);
  }

  toBytes(): Buffer {
    const out = new ByteWriter(this.length);
    this.writeTo(out);
    return out.content();
  }
}

export function writeContent(out: ByteWriter, content: Content): void {
  if (content instanceof Spliced) content.writeTo(out);
  else out.encoded(content);
}

export const bytesOf = (content: Content): Uint8Array =>
  content instanceof Spliced ? content.toBytes() : content;
