/** What an admitted request holds of its caller's rates, until it ends. */
import type { Clock } from "../../kernel/clock.js";
import { nanoUsd } from "../../kernel/money.js";
import type { Hold, LeaseBook } from "../../ledger/lease-book.js";
import type { CallerRates, RateKind } from "../../tenants/rates.js";
import { rateHeaders } from "./rate-headers.js";
import type { Minute, RateLimiter } from "./rate-limiter.js";

type Held = Pick<Minute, "minute" | "ids"> & {
  readonly holds: { readonly [Kind in RateKind]?: Hold };
};

export class Admission {
  private readonly limiter: RateLimiter;
  private readonly rates: CallerRates;
  private readonly minute: Held;
  private readonly tokens: Hold | undefined;
  private readonly place: Hold | undefined;
  private readonly clock: Clock;
  /** Answers that are yet to end. */
  private parts = 1;
  private used = 0;

  /** The request itself is used up at once, whatever becomes of it. */
  constructor(limiter: RateLimiter, rates: CallerRates, held: Held, clock: Clock) {
    const { requests, tokens, concurrent } = held.holds;
    this.limiter = limiter;
    this.rates = rates;
    this.minute = held;
    this.tokens = tokens;
    this.place = concurrent;
    this.clock = clock;
    if (requests) this.book.settle(requests, requests.amount, clock.now());
  }

  /** What is known of its caller's limits at this moment. */
  headers(): Record<string, string> {
    return rateHeaders(this.limiter, this.rates, this.clock.now());
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
    if (--this.parts > 0) return;
    if (this.place?.isOpen) this.book.release(this.place);
    if (!this.tokens?.isOpen) return;
    const used = nanoUsd(BigInt(this.used));
    const { overrun } = this.book.settle(this.tokens, used, this.clock.now());
    if (overrun > 0n) this.limiter.countBeyond(this.minute, overrun);
  }

  private get book(): LeaseBook {
    return this.limiter.book;
  }
}
