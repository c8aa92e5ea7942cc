/** What providers say later: what is missing is charged as far as the buckets go, what was too much goes back. */
import { nanoUsd, ZERO } from "../../kernel/money.js";
import { debitsOf, type Hold } from "../../ledger/bucket-lease.js";
import type { LateCost, LateCostStore, WaitingCost } from "../../ledger/late-cost.js";
import type { Gateway } from "../parts.js";
import { coverBuckets } from "./funds.js";

/** A request with what became of its cost. */
export type Told = Pick<LateCost, "outcome" | "cost" | "ownCount"> & {
  readonly waiting: WaitingCost;
};

type Parts = Pick<Gateway, "node" | "book" | "keeper" | "clock">;

type Prepared = { readonly late: LateCost; readonly hold: Hold | undefined };

export class LateBilling {
  private readonly parts: Parts;
  private readonly store: LateCostStore;
  /** Holds whose charge the store may or may not have taken: its answer got lost. */
  private readonly doubtful = new Map<string, Hold>();
  private last: Promise<void> = Promise.resolve();

  constructor(parts: Parts, store: LateCostStore) {
    this.parts = parts;
    this.store = store;
  }

  /**
   * Settles some requests, each once whoever else does the same, after what a lost answer left open. Throws when the
   * store cannot be asked. One at a time: what is under way would look like an answer that got lost.
   */
  settle(told: readonly Told[]): Promise<void> {
    const settling = this.last.then(() => this.settleNow(told));
    this.last = settling.catch(() => undefined);
    return settling;
  }

  private async settleNow(told: readonly Told[]): Promise<void> {
    await this.clearDoubts();
    if (told.length === 0) return;
    const { node, clock, book, keeper } = this.parts;
    const { generation } = book;
    const prepared: Prepared[] = [];
    try {
      for (const each of told) prepared.push(await this.prepare(each));
      if (book.generation !== generation) throw new Error("the leases were lost meanwhile");
    } catch (thrown) {
      for (const { hold } of prepared) if (hold) this.parts.book.release(hold);
      throw thrown;
    }
    for (const { late, hold } of prepared) if (hold) this.doubtful.set(late.requestId, hold);
    const costs = prepared.map(({ late }) => late);
    const settled = this.store.settleLate({ node, at: clock.now(), costs });
    this.conclude(await keeper.telling(settled));
  }

  private async clearDoubts(): Promise<void> {
    if (this.doubtful.size === 0) return;
    this.conclude(await this.store.settledBy(this.parts.node, [...this.doubtful.keys()]));
  }

  /** What this process charged is charged to its lease; what another one did is not. */
  private conclude(mine: ReadonlySet<string>): void {
    const { book, clock } = this.parts;
    for (const [requestId, hold] of this.doubtful) {
      if (mine.has(requestId)) book.settle(hold, hold.amount, clock.now());
      else book.release(hold);
    }
    this.doubtful.clear();
  }

  private async prepare({ waiting, ...what }: Told): Promise<Prepared> {
    const { requestId } = waiting;
    const { cost } = what;
    const excess = nanoUsd(cost - waiting.cost);
    if (excess <= 0n) {
      return { late: { requestId, ...what, debits: [], overrun: ZERO }, hold: undefined };
    }
    const hold = await this.holdUpTo(waiting.bucketIds, excess);
    const overrun = nanoUsd(excess - hold.amount);
    return { late: { requestId, ...what, debits: debitsOf(hold), overrun }, hold };
  }

  /** Holds `amount` on all buckets, or as much as they have, wherever it is leased. */
  private async holdUpTo(bucketIds: readonly string[], amount: bigint): Promise<Hold> {
    const { book, clock } = this.parts;
    // It must outlive any doubt about it: whether it was charged is known only from the store.
    const open = book.hold(bucketIds, ZERO, clock.now(), Number.POSITIVE_INFINITY);
    if (!open.ok) throw new Error("nothing is free in a bucket, and less than nothing");
    const { hold } = open;
    const extend = () => {
      book.extend(hold, nanoUsd(amount - hold.amount), clock.now());
      return hold.amount === amount ? hold : undefined;
    };
    try {
      if (!extend()) {
        await coverBuckets(this.parts, bucketIds, nanoUsd(amount - hold.amount), extend);
      }
    } catch (thrown) {
      book.release(hold);
      throw thrown;
    }
    return hold;
  }
}
