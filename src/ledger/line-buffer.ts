/** Lines for a file, each with its checksum before it. Every request writes two of them. */
import { ByteWriter } from "../kernel/byte-writer.js";
import { crc32 } from "../kernel/crc32.js";

const CHECKSUM_CHARS = 8;
const HEX_DIGITS = Buffer.from("0123456789abcdef");
const LINE_FEED = 10;

export class LineBuffer extends ByteWriter {
  private lineStart = 0;

  /** Begins a line, which its checksum goes before. */
  begin(): void {
    this.makeRoom(CHECKSUM_CHARS);
    this.lineStart = this.length;
    this.length += CHECKSUM_CHARS;
  }

  end(): void {
    this.makeRoom(1);
    const { bytes, length } = this;
    const from = this.lineStart + CHECKSUM_CHARS;
    let checksum = crc32(bytes, from, length);
    for (let i = from - 1; i >= this.lineStart; i--) {
      bytes[i] = HEX_DIGITS[checksum & 15] ?? 0;
      checksum >>>= 4;
    }
    bytes[length] = LINE_FEED;
    this.length++;
  }
}
