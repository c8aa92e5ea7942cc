/** What was looked for everywhere and not found, so that nobody looks again at once. */
import { REFUSED_OTHERS_MS, REFUSED_REQUESTS_MS } from "../../kernel/limits.js";
import type { RateKind } from "../../tenants/rates.js";

type Refusal = { readonly amount: number; readonly until: number };

export class Refusals {
  private readonly byBucket = new Map<string, Refusal>();

  note(kind: RateKind, bucketId: string, amount: number, now: number): void {
    const forMs = kind === "requests" ? REFUSED_REQUESTS_MS : REFUSED_OTHERS_MS;
    this.byBucket.set(bucketId, { amount, until: now + forMs });
  }

  /** Whether as much was looked for a moment ago. */
  stands(bucketId: string, amount: number, now: number): boolean {
    const refusal = this.byBucket.get(bucketId);
    return refusal !== undefined && now < refusal.until && amount >= refusal.amount;
  }

  forgetOld(now: number): void {
    for (const [id, { until }] of this.byBucket) if (until <= now) this.byBucket.delete(id);
  }
}
