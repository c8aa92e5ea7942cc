/** Lines for a file, each with its checksum before it. Every request writes two of them. */
import { ByteWriter } from "../kernel/byte-writer.js";
import { crc32 } from "../kernel/crc32.js";

const CHECKSUM_CHARS = 8;
const HEX_DIGITS = Buffer.from("0123456789abcdef");
const LINE_FEED = 10;

/** How many lines begin, with the checksum of so much. */
export type LineStart = { readonly bytes: Uint8Array; readonly checksum: number };

export const lineStart = (text: string): LineStart => {
  const bytes = Buffer.from(text);
  return { bytes, checksum: crc32(bytes, 0, bytes.length) };
};

const NO_START = lineStart("");

export class LineBuffer extends ByteWriter {
  private lineAt = 0;
  private start = NO_START;

  /** Begins a line, which its checksum goes before. */
  begin(start = NO_START): void {
    this.makeRoom(CHECKSUM_CHARS);
    this.lineAt = this.length;
    this.start = start;
    this.length += CHECKSUM_CHARS;
    this.encoded(start.bytes);
  }

  end(): void {
    this.makeRoom(1);
    const { bytes, length, start, lineAt } = this;
    const textAt = lineAt + CHECKSUM_CHARS;
    let checksum = crc32(bytes, textAt + start.bytes.length, length, start.checksum);
    for (let i = textAt - 1; i >= lineAt; i--) {
      bytes[i] = HEX_DIGITS[checksum & 15] ?? 0;
      checksum >>>= 4;
    }
    bytes[length] = LINE_FEED;
    this.length++;
  }
}
