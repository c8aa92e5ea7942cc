/** Recalls: asking other processes for what they do not use of a bucket, and answering when they ask. */
import type { Clock } from "../../kernel/clock.js";
import { RECALL_REPEAT_MS, RECALL_WAIT_MS, SPARING_MS } from "../../kernel/limits.js";
import { type Log, reasonOf } from "../../kernel/log.js";
import type { NanoUsd } from "../../kernel/money.js";
import type { Leases } from "../../ledger/lease-book.js";
import type { LeaseStore } from "../../ledger/store.js";
import { storeAway } from "./claim.js";
import type { LeaseReturns } from "./lease-returns.js";
import type { Supplies, Supply } from "./lease-supply.js";
import type { LeaseTakes } from "./lease-takes.js";

const RECALL_POLL_MS = 10;
const RECALL_POLL_MAX_MS = 100;
/** A process may take a lease just after it answered; it is asked again. */
const RECALL_AGAIN_MS = 300;

type Parts = {
  readonly node: string;
  readonly book: Leases;
  readonly store: Pick<LeaseStore, "askBack" | "answerRecall" | "recallState">;
  readonly clock: Clock;
  readonly log: Log;
};

type Links = {
  readonly supplies: Supplies;
  readonly takes: LeaseTakes;
  readonly returns: LeaseReturns;
};

export class LeaseRecalls {
  private readonly parts: Parts;
  private readonly links: Links;

  constructor(parts: Parts, links: Links) {
    this.parts = parts;
    this.links = links;
  }

  /**
   * One recall serves everyone who was waiting when it began, as long as nobody took more than it needed since. That
   * happens to an asker who was slow in between, and the last word on it is the store's.
   */
  async hasServed(bucketId: string, ask: number, missing: () => NanoUsd): Promise<boolean> {
    const supply = this.links.supplies.of(bucketId);
    if (supply.recalledFor < ask) return false;
    return !supply.isAnswered || this.takeReturned(bucketId, supply.recall, missing);
  }

  /**
   * Asks idle leases back and takes what is missing as soon as it is there. Meanwhile nothing is kept here either,
   * so that of two processes that are both short one gets it all, rather than each a part. `waiting` is how many
   * had asked for cover when it began; it serves all of them. Throws when the store cannot be asked.
   */
  async ask(bucketId: string, missing: () => NanoUsd, waiting: number): Promise<void> {
    const { node, store, clock } = this.parts;
    const began = clock.now();
    const supply = this.links.supplies.of(bucketId);
    await this.links.returns.giveBack(bucketId).catch(storeAway);
    const recall = await store.askBack(node, bucketId, began).catch(storeAway);
    const endsAt = began + (supply.isAnswered ? RECALL_WAIT_MS : RECALL_REPEAT_MS);
    let askAgainAt = began + RECALL_AGAIN_MS;
    for (let pauseMs = RECALL_POLL_MS; clock.now() < endsAt; pauseMs *= 2) {
      const isAnswered = await this.takeReturned(bucketId, recall, missing);
      if (missing() <= 0n) return;
      if (isAnswered) return this.note(supply, { recall, recalledFor: waiting, isAnswered });
      await clock.sleep(Math.min(pauseMs, RECALL_POLL_MAX_MS));
      if (clock.now() < askAgainAt) continue;
      await store.askBack(node, bucketId, clock.now()).catch(storeAway);
      askAgainAt = clock.now() + RECALL_AGAIN_MS;
    }
    this.note(supply, { recall, recalledFor: waiting, isAnswered: false });
  }

  /** Takes what is missing, if it came back by now; returns whether nobody else keeps anything idle. */
  private async takeReturned(
    bucketId: string,
    recall: number,
    missing: () => NanoUsd,
  ): Promise<boolean> {
    const { node, store, clock } = this.parts;
    const state = await store.recallState(node, bucketId, recall, clock.now()).catch(storeAway);
    if (state.unleased >= missing()) await this.links.takes.takeAll(bucketId, missing);
    return state.isAnswered;
  }

  /** Not of one that ended early, because whoever asked had enough: it says nothing about what the others had. */
  private note(
    supply: Supply,
    recall: Pick<Supply, "recall" | "recalledFor" | "isAnswered">,
  ): void {
    Object.assign(supply, recall);
  }

  /** Another process is short: gives back what nobody here holds. */
  async answer(bucketId: string, recall: number): Promise<void> {
    const { node, book, store, clock } = this.parts;
    const supply = this.links.supplies.of(bucketId);
    supply.sparingUntil = clock.now() + SPARING_MS;
    if (supply.takesUnderWay > 0 || supply.keepers > 0) {
      // What comes in may be more than is needed here, and what is needed must not be given away again.
      supply.owedRecall = recall;
      return;
    }
    await this.links.takes.learn(bucketId);
    if (!book.has(bucketId)) return;
    await this.links.returns.giveBack(bucketId, (totals) =>
      store.answerRecall(node, bucketId, recall, totals),
    );
  }

  /** Owes the recalls of a bucket until `work` has ended. */
  async keeping<Result>(bucketId: string, work: () => Promise<Result>): Promise<Result> {
    const supply = this.links.supplies.of(bucketId);
    supply.keepers++;
    try {
      return await work();
    } finally {
      supply.keepers--;
      this.answerOwed(bucketId, supply);
    }
  }

  /** After whoever asked for the lease has held what it needs. */
  answerOwed(bucketId: string, supply: Supply): void {
    const { owedRecall } = supply;
    if (owedRecall === undefined || supply.takesUnderWay > 0 || supply.keepers > 0) return;
    supply.owedRecall = undefined;
    setImmediate(() => {
      this.answer(bucketId, owedRecall).catch((thrown) =>
        this.parts.log("warn", "recall_not_answered", {
          bucket: bucketId,
          reason: reasonOf(thrown),
        }),
      );
    });
  }
}
