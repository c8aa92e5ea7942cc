/** What was given back in memory, and is said to the store until the store has heard it. */
import type { NanoUsd } from "../kernel/money.js";
import type { LeaseBook } from "../ledger/lease-book.js";
import type { LedgerStore } from "../ledger/store.js";

type Totals = ReadonlyMap<string, NanoUsd>;

type Parts = {
  readonly node: string;
  readonly book: LeaseBook;
  readonly store: Pick<LedgerStore, "returnLease">;
};

export class LeaseReturns {
  private readonly parts: Parts;
  /** By account, all that was ever given back. */
  private readonly unheard = new Map<string, NanoUsd>();
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** Whether the store has heard everything. */
  get isHeard(): boolean {
    return this.unheard.size === 0;
  }

  /**
   * Gives up all that is free in a bucket. One bucket at a time, so that no transaction keeps one payer's accounts
   * locked while it waits for another's.
   */
  async giveBack(bucketId: string, say = this.sayOnly): Promise<void> {
    const totals = this.parts.book.giveBack(bucketId);
    for (const [account, total] of totals) this.unheard.set(account, total);
    await this.heard(totals, say(totals));
  }

  /** Says again what was not heard the first time. */
  async sayAgain(): Promise<void> {
    for (const entry of [...this.unheard]) {
      const totals = new Map([entry]);
      await this.heard(totals, this.sayOnly(totals));
    }
  }

  /** Runs what says something of the leases to the store, so that `drop` waits for it. */
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

  private async heard(totals: Totals, saying: Promise<void>): Promise<void> {
    await this.during(saying);
    for (const [account, total] of totals) {
      if (this.unheard.get(account) === total) this.unheard.delete(account);
    }
  }
}
