/** What an admitted request holds of its caller's rates, until it ends. */
import type { CallerRates } from "../../tenants/rates.js";
import type { RateHold, RateLeases } from "./rate-book.js";
import type { RateLimiter } from "./rate-limiter.js";
import type { RateWindow } from "./rate-window.js";

export class Admission implements RateHold {
  readonly window: RateWindow;
  readonly tokens: number;
  readonly expiresAt: number;
  readonly surrenders: number;
  readonly generation: number;
  private readonly limiter: RateLimiter;
  private readonly rates: CallerRates;
  /** Answers that are yet to end. */
  private parts = 1;
  private used = 0;

  constructor(
    limiter: RateLimiter,
    rates: CallerRates,
    window: RateWindow,
    tokens: number,
    expiresAt: number,
  ) {
    this.limiter = limiter;
    this.rates = rates;
    this.window = window;
    this.tokens = tokens;
    this.expiresAt = expiresAt;
    this.surrenders = limiter.book.surrenders;
    this.generation = limiter.book.generation;
  }

  get leases(): RateLeases {
    return this.window.leases;
  }

  /** Adds what is known of its caller's limits at this moment. */
  addHeaders(headers: Record<string, string>): void {
    this.limiter.addHeaders(headers, this.rates);
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
    if (--this.parts === 0) this.limiter.end(this, this.used);
  }
}
