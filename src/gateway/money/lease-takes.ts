/** Takes leases from the store and puts them into the book. */
import type { Clock } from "../../kernel/clock.js";
import { type NanoUsd, ZERO } from "../../kernel/money.js";
import type { Leases } from "../../ledger/lease-book.js";
import type { LeaseStore, LeaseWish } from "../../ledger/store.js";
import { type Claim, storeAway } from "./claim.js";
import type { Supplies, Supply } from "./lease-supply.js";

type Parts = {
  readonly node: string;
  readonly book: Leases;
  readonly store: Pick<LeaseStore, "takeLease">;
  readonly claim: Pick<Claim, "ensure">;
  readonly clock: Clock;
};

type OnTaken = (bucketId: string, supply: Supply) => void;

export class LeaseTakes {
  private readonly parts: Parts;
  private readonly supplies: Supplies;
  private readonly onTaken: OnTaken;

  /** `onTaken` hears of each lease as soon as it is in the book. */
  constructor(parts: Parts, supplies: Supplies, onTaken: OnTaken) {
    this.parts = parts;
    this.supplies = supplies;
    this.onTaken = onTaken;
  }

  /**
   * Takes all that is missing, if there is as much. What was at hand when it was asked for may be another request's
   * when the answer comes, and then more is missing. Returns whether other processes hold a lease on the bucket.
   */
  async takeAll(bucketId: string, missing: () => NanoUsd): Promise<boolean> {
    const { book } = this.parts;
    for (;;) {
      const othersHold = await this.take(bucketId, { need: missing(), isAll: true });
      if (missing() <= 0n || missing() > book.unleased(bucketId)) return othersHold;
    }
  }

  /** Returns whether other processes hold a lease on the bucket. */
  async take(bucketId: string, wish: Partial<LeaseWish>): Promise<boolean> {
    const { node, book, store, claim, clock } = this.parts;
    await claim.ensure();
    const now = clock.now();
    const { generation } = book;
    const supply = this.supplies.of(bucketId);
    const isSparing = supply.sparingUntil > now;
    const wanted = { need: ZERO, isAll: false, isSparing, ...wish };
    supply.isDoubtful = true;
    supply.takesUnderWay++;
    const answer = await store
      .takeLease({ node, bucketId, ...wanted, now })
      .finally(() => supply.takesUnderWay--)
      .catch(storeAway);
    if (book.generation !== generation) {
      // The claim was lost meanwhile, and this lease, most likely, with it.
      return this.take(bucketId, wish);
    }
    book.add(bucketId, answer, now);
    supply.isDoubtful = false;
    this.onTaken(bucketId, supply);
    return answer.othersHold;
  }

  /** Where an answer got lost: takes nothing, to hear what was taken. */
  async learn(bucketId: string): Promise<void> {
    if (!this.supplies.of(bucketId).isDoubtful) return;
    await this.take(bucketId, { isSparing: true });
  }
}
