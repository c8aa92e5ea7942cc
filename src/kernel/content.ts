/** What bodies are made of. */
import type { ByteWriter } from "./byte-writer.js";
import type { Span } from "./span.js";

export type Content = Uint8Array | Spliced;

/** Bytes with a text in place of some of them, or put in between; they become one only where they are written. */
export class Spliced {
  /** In bytes. */
  readonly length: number;
  private readonly around: Span;
  private readonly from: number;
  private readonly to: number;
  private readonly text: string;

  /** What stands between two places of `around`'s buffer is left out for `text`. */
  constructor(around: Span, from: number, to: number, text: string) {
    this.around = around;
    this.from = from;
    this.to = to;
    this.text = text;
    this.length = around.end - around.start - (to - from) + Buffer.byteLength(text);
  }

  writeTo(out: ByteWriter): void {
    const { bytes, start, end } = this.around;
    out.copy(bytes, start, this.from);
    out.text(this.text);
    out.copy(bytes, this.to, end);
  }

  toBytes(): Buffer {
    const { bytes, start, end } = this.around;
    const before = bytes.subarray(start, this.from);
    return Buffer.concat([before, Buffer.from(this.text), bytes.subarray(this.to, end)]);
  }
}

export function writeContent(out: ByteWriter, content: Content): void {
  if (content instanceof Spliced) content.writeTo(out);
  else out.encoded(content);
}

export const bytesOf = (content: Content): Uint8Array =>
  content instanceof Spliced ? content.toBytes() : content;
