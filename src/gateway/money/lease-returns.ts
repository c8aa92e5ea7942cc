/** What was given back in memory, and is said to the store until the store has heard it. */
import type { NanoUsd } from "../../kernel/money.js";
import type { Leases } from "../../ledger/lease-book.js";
import type { LeaseStore } from "../../ledger/store.js";

/** By account, all that was ever given back. */
type Totals = ReadonlyMap<string, NanoUsd>;

type Parts = {
  readonly node: string;
  readonly book: Leases;
  readonly store: Pick<LeaseStore, "returnLease">;
};

export class LeaseReturns {
  private readonly parts: Parts;
  private readonly unheard = new Map<string, Map<string, NanoUsd>>();
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** Whether the store has heard everything that was given back of a bucket. */
  isHeard(bucketId: string): boolean {
    return !this.unheard.has(bucketId);
  }

  /**
   * Gives up all that is free in a bucket, and says so, with what was not heard before. One bucket at a time, so
   * that no transaction keeps one payer's accounts locked while it waits for another's.
   */
  async giveBack(bucketId: string, say = this.sayOnly): Promise<void> {
    this.noteLate();
    this.note(bucketId, this.parts.book.giveBack(bucketId));
    await this.tell(bucketId, say);
  }

  /** Says what went back by itself, because its bucket had been surrendered before its request ended. */
  async sayLate(): Promise<void> {
    for (const bucketId of this.noteLate()) await this.tell(bucketId, this.sayOnly);
  }

  private noteLate(): string[] {
    const late = this.parts.book.lateReturns();
    for (const [bucketId, totals] of late) this.note(bucketId, totals);
    return [...late.keys()];
  }

  private note(bucketId: string, totals: Totals): void {
    if (totals.size === 0) return;
    const unheard = this.unheard.get(bucketId) ?? new Map<string, NanoUsd>();
    for (const [account, total] of totals) unheard.set(account, total);
    this.unheard.set(bucketId, unheard);
  }

  private async tell(bucketId: string, say: (totals: Totals) => Promise<void>): Promise<void> {
    const totals = this.unheard.get(bucketId) ?? new Map<string, NanoUsd>();
    const said = new Map(totals);
    await this.during(say(said));
    for (const [account, total] of said) if (totals.get(account) === total) totals.delete(account);
    if (totals.size === 0 && this.unheard.get(bucketId) === totals) this.unheard.delete(bucketId);
  }

  /** Says again what was not heard the first time. */
  async sayAgain(): Promise<void> {
    for (const bucketId of [...this.unheard.keys()]) await this.tell(bucketId, this.sayOnly);
  }

  /** Has `drop` wait for something that is being said of the leases. */
  async during<Result>(saying: Promise<Result>): Promise<Result> {
    this.underWay.add(saying);
    return saying.finally(() => this.underWay.delete(saying));
  }

  /** Resolves when nothing is being said; what was not heard by then is not said again. */
  async drop(): Promise<void> {
    this.unheard.clear();
    await Promise.allSettled(this.underWay);
  }

  private readonly sayOnly = async (totals: Totals): Promise<void> => {
    if (totals.size > 0) await this.parts.store.returnLease(this.parts.node, totals);
  };
}
