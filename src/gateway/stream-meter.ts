/**
 * Counts what a stream has delivered, so that it can be billed when the provider does not say, and stopped
 * where the money ends. Tokens are only counted when that can matter: no token is shorter than a byte.
 */
import { utf8Of } from "../wire/sse.js";
import { countTokens } from "./tokenizer.js";

const TAIL_PARTS = 32;

export class StreamMeter {
  private readonly parts: string[] = [];
  /** The newest parts, joined now and then: a thousand streams would keep a million little strings. */
  private tail: string[] = [];
  private bytes = 0;
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

  /** Whether `text` is paid for without counting. */
  covers(text: string): boolean {
    return this.bytes + text.length <= this.countAtBytes;
  }

  /** How many tokens beyond what is paid for it would be to deliver `text` too; 0 or less when it is covered. */
  async excessWith(text: string): Promise<number> {
    if (this.covers(text)) return 0;
    const tokens = await countTokens(this.text() + utf8Of(text));
    this.countAtBytes = this.bytes + text.length + Math.max(0, this.allowed - tokens);
    return tokens - this.allowed;
  }

  /** `text` in the Latin-1 form of `wire/sse`. */
  deliver(text: string): void {
    if (text === "") return;
    this.bytes += text.length;
    if (this.tail.push(text) < TAIL_PARTS) return;
    this.parts.push(this.tail.join(""));
    this.tail = [];
  }

  get isEmpty(): boolean {
    return this.bytes === 0;
  }

  text(): string {
    return utf8Of(this.parts.join("") + this.tail.join(""));
  }
}
