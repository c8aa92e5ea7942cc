/** How many requests that failed at a provider may be tried at another one. Times in ms by `clock.elapsed()`. */
import { type Limits, RETRY_MEMORY_MS } from "../kernel/limits.js";

export type RetryRules = Pick<Limits, "retryPercent" | "retryFloorPerSecond" | "retryBurst">;

/** Below this share of what was saved, the provider is better left alone: the rest is for what is under way there. */
const RESERVE = 0.5;

/**
 * A provider's retries are earned by the requests sent to it, and spent by those that fail there. So an outage moves
 * its load to others but does not multiply it, and one provider's outage leaves the others' retries alone.
 */
export class RetryBudget {
  private readonly rules: RetryRules;
  /** Earned by what was sent since `filledAt`, and by what was sent before, as far as that is remembered. */
  private fresh = 0;
  private earned = 0;
  /** For when it fails all at once, and filled by the second. */
  private saved: number;
  private filledAt = 0;

  constructor(rules: RetryRules) {
    this.rules = rules;
    this.saved = rules.retryBurst;
  }

  /** A request was sent to the provider. Every request comes by here, so this neither looks at the time nor divides. */
  earn(): void {
    this.fresh++;
  }

  /** One that failed there is to be tried elsewhere; false where there is nothing left for that. */
  spend(now: number): boolean {
    this.fill(now);
    if (this.earned >= 1) this.earned--;
    else if (this.saved >= 1) this.saved--;
    else return false;
    return true;
  }

  /** So much was spent that what is left should be kept. */
  isLow(now: number): boolean {
    this.fill(now);
    return this.earned < 1 && this.saved < this.rules.retryBurst * RESERVE;
  }

  private fill(now: number): void {
    const ms = now - this.filledAt;
    const { retryBurst, retryFloorPerSecond, retryPercent } = this.rules;
    this.saved = Math.min(retryBurst, this.saved + (ms * retryFloorPerSecond) / 1_000);
    const kept = Math.exp(-ms / RETRY_MEMORY_MS);
    // As if what was sent meanwhile had come evenly.
    const keptOfFresh = ms > 0 ? ((1 - kept) * RETRY_MEMORY_MS) / ms : 1;
    this.earned = this.earned * kept + (this.fresh * keptOfFresh * retryPercent) / 100;
    this.fresh = 0;
    this.filledAt = now;
  }
}
