/** What an admitted request holds of its caller's rates, until it ends. */
import { NOT_OPEN, type RateBook, type RateHold, type RateLeases } from "./rate-book.js";
import { rateTexts } from "./rate-headers.js";
import type { RateTexts, RateWindow } from "./rate-window.js";

/** Whoever admits: it is told of the end, and knows what is left. */
type Admitter = {
  readonly book: Pick<RateBook, "surrenders" | "generation">;
  readonly windowOf: (admission: Admission, now: number) => RateWindow;
  readonly end: (admission: Admission, used: number) => void;
};

export class Admission implements RateHold {
  readonly window: RateWindow;
  readonly tokens: number;
  readonly expiresAt: number;
  readonly surrenders: number;
  readonly generation: number;
  slot = NOT_OPEN;
  private readonly admitter: Admitter;
  /** Answers that are yet to end. */
  private parts = 1;
  private used = 0;

  constructor(admitter: Admitter, window: RateWindow, tokens: number, expiresAt: number) {
    this.admitter = admitter;
    this.window = window;
    this.tokens = tokens;
    this.expiresAt = expiresAt;
    this.surrenders = admitter.book.surrenders;
    this.generation = admitter.book.generation;
  }

  get leases(): RateLeases {
    return this.window.leases;
  }

  /** What is known of its caller's limits. */
  textsAt(now: number): RateTexts {
    return rateTexts(this.admitter.windowOf(this, now), now);
  }

  /** The answer that is about to end is gone on with by another one: only both ends are its end. */
  goOn(): void {
    this.parts++;
  }

  /**
   * Frees its place, and counts the tokens that it used: less than it held gives the rest back, more takes what is
   * left of its minute. What comes after its end changes nothing.
   */
  end(tokens: number): void {
    this.used += tokens;
    if (--this.parts === 0) this.admitter.end(this, this.used);
  }
}
