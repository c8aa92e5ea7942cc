/** How many requests that failed at a provider may be tried at another one. Times in ms by `clock.elapsed()`. */
import type { Limits } from "../kernel/limits.js";

export type RetryRules = Pick<Limits, "retryPercent" | "retryFloorPerSecond" | "retryBurst">;

/** Below this share of what it may hold, its provider is better left alone: the rest is for what is under way there. */
const RESERVE = 0.5;

/**
 * A provider's retries are earned by the requests sent to it, and spent by those that fail there. So an outage moves
 * its load to others but does not multiply it, and one provider's outage leaves the others' retries alone.
 */
export class RetryBudget {
  private readonly rules: RetryRules;
  private readonly earned: number;
  private left: number;
  private filledAt = 0;

  constructor(rules: RetryRules) {
    this.rules = rules;
    this.earned = rules.retryPercent / 100;
    this.left = rules.retryBurst;
  }

  /** A request was sent to the provider. */
  earn(): void {
    if (this.left < this.rules.retryBurst) this.left += this.earned;
  }

  /** One that failed there is to be tried elsewhere; false where there is nothing left for that. */
  spend(now: number): boolean {
    this.fill(now);
    if (this.left < 1) return false;
    this.left--;
    return true;
  }

  /** So much was spent that what is left should be kept. */
  isLow(now: number): boolean {
    this.fill(now);
    return this.left < this.rules.retryBurst * RESERVE;
  }

  private fill(now: number): void {
    const { retryBurst, retryFloorPerSecond } = this.rules;
    const floor = ((now - this.filledAt) * retryFloorPerSecond) / 1_000;
    this.left = Math.min(retryBurst, this.left + Math.max(0, floor));
    this.filledAt = now;
  }
}
