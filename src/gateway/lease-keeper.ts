/** Keeps the lease book supplied from the store: renews before a lease runs dry, gives back what lies idle. */
import type { Clock } from "../kernel/clock.js";
import { RouterError } from "../kernel/errors.js";
import { IDLE_LEASE_MS, RECALL_WAIT_MS } from "../kernel/limits.js";
import { type Log, reasonOf } from "../kernel/log.js";
import { type NanoUsd, nanoUsd, ZERO } from "../kernel/money.js";
import type { Bucket } from "../ledger/account.js";
import type { LeaseBook } from "../ledger/lease-book.js";
import type { LeaseWish, LedgerStore } from "../ledger/store.js";

const RECALL_POLL_MS = 10;
const RENEW_PAUSE_MS = 200;

type Parts = {
  readonly node: string;
  readonly book: LeaseBook;
  readonly store: LedgerStore;
  readonly clock: Clock;
  readonly log: Log;
};

export class LeaseKeeper {
  private readonly parts: Parts;
  /** Store calls for one bucket go one after the other. */
  private readonly turns = new Map<string, Promise<unknown>>();
  /** Questions for cover so far, and by bucket how many of them the last recall was for. */
  private asks = 0;
  private readonly recalled = new Map<string, number>();
  private readonly renewedAt = new Map<string, number>();
  /** Until when others may still be looking for what they need of a bucket, and nothing is taken beyond need. */
  private readonly sparingUntil = new Map<string, number>();
  /** The store may have leased more to this process than the book knows: its answer got lost. */
  private readonly doubtful = new Set<string>();
  /** Given back in memory; the store hears of it until it has heard it. */
  private readonly unreported = new Map<string, NanoUsd>();

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /**
   * Tries to have `amount` free in each bucket. When the store has too little, idle leases of other processes are
   * asked back first. Returns when that is done or cannot be done; throws when the store cannot be asked.
   */
  async cover(buckets: readonly Bucket[], amount: NanoUsd): Promise<void> {
    const ask = ++this.asks;
    await Promise.all(
      buckets.map((bucket) => this.inTurn(bucket.id, () => this.coverOne(bucket, amount, ask))),
    );
  }

  /** Whether less than half of what is left is at hand, and it was not just asked for. */
  isLow(bucketId: string): boolean {
    const { book, clock } = this.parts;
    const now = clock.now();
    if (book.free(bucketId, now) >= book.unleased(bucketId)) return false;
    if (this.isSparing(bucketId)) return false;
    return (this.renewedAt.get(bucketId) ?? 0) + RENEW_PAUSE_MS <= now;
  }

  /** Takes more in the background. */
  renew(bucket: Bucket): void {
    const { clock, log } = this.parts;
    this.renewedAt.set(bucket.id, clock.now());
    this.inTurn(bucket.id, () => this.take(bucket, {})).catch((thrown) =>
      log("warn", "lease_renewal_failed", { bucket: bucket.id, reason: reasonOf(thrown) }),
    );
  }

  /** Learns from the store what is left of a bucket, and opens what this month brings. */
  async refresh(bucket: Bucket): Promise<void> {
    await this.inTurn(bucket.id, () => this.take(bucket, {}));
  }

  /** Another process is short: gives back what nobody here holds. */
  async answerRecall(bucketId: string, recall: number): Promise<void> {
    if (!this.parts.book.has(bucketId)) return;
    this.sparingUntil.set(bucketId, this.parts.clock.now() + RECALL_WAIT_MS);
    await this.giveBack([bucketId]);
    await this.parts.store.answerRecall(this.parts.node, bucketId, recall);
  }

  async returnIdle(): Promise<void> {
    const { book, clock } = this.parts;
    for (const id of this.doubtful) await this.inTurn(id, () => this.learn(id));
    await this.giveBack(book.idleSince(clock.now() - IDLE_LEASE_MS));
  }

  async returnAll(): Promise<void> {
    await this.giveBack(this.parts.book.bucketIds());
  }

  /**
   * As long as there is hope for all of it, nothing is taken rather than a part, or two processes that are both
   * short would each sit on what the other lacks.
   */
  private async coverOne(bucket: Bucket, amount: NanoUsd, ask: number): Promise<void> {
    const missing = () => nanoUsd(amount - this.parts.book.free(bucket.id, this.parts.clock.now()));
    if (missing() <= 0n) return;
    const othersHold = await this.take(bucket, { need: missing(), isAll: true });
    if (missing() <= 0n) return;
    // One recall serves everyone who was waiting when it began.
    if (othersHold && (this.recalled.get(bucket.id) ?? 0) < ask) await this.recall(bucket, missing);
    if (missing() > 0n) await this.take(bucket, { need: missing() });
  }

  /** Asks idle leases back and takes what is missing as soon as it is there. */
  private async recall(bucket: Bucket, missing: () => NanoUsd): Promise<void> {
    const { node, store, clock } = this.parts;
    const began = clock.now();
    const waiting = this.asks;
    const recall = await store.askBack(node, bucket.id, began).catch(storeAway);
    this.recalled.set(bucket.id, waiting);
    while (clock.now() < began + RECALL_WAIT_MS) {
      const isAnswered = await store.isRecallAnswered(node, bucket.id, recall).catch(storeAway);
      await this.take(bucket, { need: missing(), isAll: true });
      if (isAnswered || missing() <= 0n) return;
      await clock.sleep(RECALL_POLL_MS);
    }
  }

  /** Returns whether other processes hold a lease on the bucket. */
  private async take(bucket: Bucket, wish: Partial<LeaseWish>): Promise<boolean> {
    const { node, book, store, clock } = this.parts;
    const now = clock.now();
    const wanted = { need: ZERO, isAll: false, isSparing: this.isSparing(bucket.id), ...wish };
    this.doubtful.add(bucket.id);
    const answer = await store.takeLease({ node, bucket, ...wanted, now }).catch(storeAway);
    book.add(bucket.id, answer, now);
    this.doubtful.delete(bucket.id);
    return answer.othersHold;
  }

  /** Takes nothing, to hear what was taken before. */
  private async learn(bucketId: string): Promise<void> {
    if (this.doubtful.has(bucketId))
      await this.take({ id: bucketId, due: [] }, { isSparing: true });
  }

  private isSparing(bucketId: string): boolean {
    const until = this.sparingUntil.get(bucketId);
    if (until === undefined) return false;
    const isOver = until <= this.parts.clock.now();
    if (isOver) this.sparingUntil.delete(bucketId);
    return !isOver;
  }

  private async giveBack(bucketIds: readonly string[]): Promise<void> {
    const { node, book, store } = this.parts;
    for (const id of bucketIds) {
      for (const [account, total] of book.giveBack(id)) this.unreported.set(account, total);
    }
    if (this.unreported.size === 0) return;
    const report = new Map(this.unreported);
    await store.returnLease(node, report);
    for (const [account, total] of report) {
      if (this.unreported.get(account) === total) this.unreported.delete(account);
    }
  }

  private inTurn<Result>(bucketId: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.turns.get(bucketId) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.turns.set(bucketId, turn);
    const clear = () => {
      if (this.turns.get(bucketId) === turn) this.turns.delete(bucketId);
    };
    turn.then(clear, clear);
    return turn;
  }
}

function storeAway(cause: unknown): never {
  throw new RouterError(
    "store_unavailable",
    "Your credit cannot be checked right now, because the store does not answer. Try again shortly.",
    { retryAfterSeconds: 1 },
    { cause },
  );
}
