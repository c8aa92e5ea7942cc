/**
 * Counts what a stream has delivered, so that it can be billed when the provider does not say, and stopped
 * where the money ends. Tokens are only counted when that can matter: no token is shorter than a byte.
 */
import { utf8Of } from "../../wire/sse.js";
import { chargedPrice } from "../money/funds.js";
import { countTokens } from "../tokenizer.js";
import type { Turn } from "../turn.js";

const BLOCK_BYTES = 1_024;
const NOTHING = Buffer.alloc(0);

/** For a candidate's turn. */
export function meterFor({ candidate, held }: Turn): StreamMeter {
  const { output, reasoning } = chargedPrice(candidate);
  const isCharged = output !== undefined || reasoning !== undefined;
  return new StreamMeter(isCharged ? held.outputTokens : Number.MAX_SAFE_INTEGER);
}

export class StreamMeter {
  /** What was delivered, in UTF-8. Kept as strings, the pieces would outlive every small garbage collection. */
  private readonly full: Buffer[] = [];
  private block = NOTHING;
  private used = 0;
  /** Of text that was delivered. */
  bytes = 0;
  private countAtBytes: number;
  private allowed: number;

  /** `allowed` is the output, in tokens, that is paid for. */
  constructor(allowed: number) {
    this.allowed = allowed;
    this.countAtBytes = allowed;
  }

  /** More was held for. */
  allow(more: number): void {
    this.allowed += more;
    this.countAtBytes += more;
  }

  /** Whether so many bytes of text are paid for without counting. */
  covers(bytes: number): boolean {
    return this.bytes + bytes <= this.countAtBytes;
  }

  /** How many tokens beyond what is paid for it would be to deliver `text` too; 0 or less when it is covered. */
  async excessWith(text: string): Promise<number> {
    if (this.covers(text.length)) return 0;
    const tokens = await countTokens(this.text() + utf8Of(text));
    this.countAtBytes = this.bytes + text.length + Math.max(0, this.allowed - tokens);
    return tokens - this.allowed;
  }

  /** `text` in the Latin-1 form of `wire/sse`. */
  deliver(text: string): void {
    const at = this.take(text.length);
    this.block.write(text, at, "latin1");
  }

  /** The same for text that stands in `bytes`, `length` of them from `start` on. */
  deliverBytes(bytes: Buffer, start: number, length: number): void {
    const at = this.take(length);
    bytes.copy(this.block, at, start, start + length);
  }

  get isEmpty(): boolean {
    return this.bytes === 0;
  }

  text(): string {
    return Buffer.concat([...this.full, this.block.subarray(0, this.used)]).toString();
  }

  /** Where in the block the next so many bytes belong. */
  private take(bytes: number): number {
    if (this.used + bytes > this.block.length) {
      if (this.used > 0) this.full.push(this.block.subarray(0, this.used));
      this.block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, bytes));
      this.used = 0;
    }
    const at = this.used;
    this.used += bytes;
    this.bytes += bytes;
    return at;
  }
}
