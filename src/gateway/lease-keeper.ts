/** Keeps the lease book supplied from the store: renews before a lease runs dry, gives back what lies idle. */
import type { Clock } from "../kernel/clock.js";
import { RouterError } from "../kernel/errors.js";
import { IDLE_LEASE_MS, RECALL_WAIT_MS } from "../kernel/limits.js";
import { type Log, reasonOf } from "../kernel/log.js";
import { type NanoUsd, nanoUsd, ZERO } from "../kernel/money.js";
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
  async cover(bucketIds: readonly string[], amount: NanoUsd): Promise<void> {
    const ask = ++this.asks;
    await Promise.all(bucketIds.map((id) => this.inTurn(id, () => this.coverOne(id, amount, ask))));
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
  renew(bucketId: string): void {
    const { clock, log } = this.parts;
    this.renewedAt.set(bucketId, clock.now());
    this.inTurn(bucketId, () => this.take(bucketId, {})).catch((thrown) =>
      log("warn", "lease_renewal_failed", { bucket: bucketId, reason: reasonOf(thrown) }),
    );
  }

  /** Learns from the store what is left of a bucket, and has opened there what its period brings. */
  async refresh(bucketId: string): Promise<void> {
    await this.inTurn(bucketId, () => this.take(bucketId, {}));
  }

  /** A bucket may hold less from now on: gives all of it back, what is held now as soon as its request ends. */
  async surrender(bucketId: string): Promise<void> {
    const giveUp = (): Promise<void> => {
      this.parts.book.surrender(bucketId);
      return this.report();
    };
    // What is being asked for at this moment may have been granted before the change.
    if (this.turns.has(bucketId)) {
      this.inTurn(bucketId, giveUp).catch((thrown) =>
        this.parts.log("warn", "leases_not_given_back", {
          bucket: bucketId,
          reason: reasonOf(thrown),
        }),
      );
    }
    await giveUp();
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
  private async coverOne(bucketId: string, amount: NanoUsd, ask: number): Promise<void> {
    const missing = () => nanoUsd(amount - this.parts.book.free(bucketId, this.parts.clock.now()));
    if (missing() <= 0n) return;
    // What this process has yet to give back may be what it lacks.
    await this.report().catch(storeAway);
    const othersHold = await this.take(bucketId, { need: missing(), isAll: true });
    if (missing() <= 0n) return;
    // One recall serves everyone who was waiting when it began.
    if (othersHold && (this.recalled.get(bucketId) ?? 0) < ask)
      await this.recall(bucketId, missing);
    if (missing() > 0n) await this.take(bucketId, { need: missing() });
  }

  /** Asks idle leases back and takes what is missing as soon as it is there. */
  private async recall(bucketId: string, missing: () => NanoUsd): Promise<void> {
    const { node, store, clock } = this.parts;
    const began = clock.now();
    const waiting = this.asks;
    const recall = await store.askBack(node, bucketId, began).catch(storeAway);
    this.recalled.set(bucketId, waiting);
    while (clock.now() < began + RECALL_WAIT_MS) {
      const isAnswered = await store.isRecallAnswered(node, bucketId, recall).catch(storeAway);
      await this.take(bucketId, { need: missing(), isAll: true });
      if (isAnswered || missing() <= 0n) return;
      await clock.sleep(RECALL_POLL_MS);
    }
  }

  /** Returns whether other processes hold a lease on the bucket. */
  private async take(bucketId: string, wish: Partial<LeaseWish>): Promise<boolean> {
    const { node, book, store, clock } = this.parts;
    const now = clock.now();
    const wanted = { need: ZERO, isAll: false, isSparing: this.isSparing(bucketId), ...wish };
    this.doubtful.add(bucketId);
    const answer = await store.takeLease({ node, bucketId, ...wanted, now }).catch(storeAway);
    book.add(bucketId, answer, now);
    this.doubtful.delete(bucketId);
    return answer.othersHold;
  }

  /** Takes nothing, to hear what was taken before. */
  private async learn(bucketId: string): Promise<void> {
    if (this.doubtful.has(bucketId)) await this.take(bucketId, { isSparing: true });
  }

  private isSparing(bucketId: string): boolean {
    const until = this.sparingUntil.get(bucketId);
    if (until === undefined) return false;
    const isOver = until <= this.parts.clock.now();
    if (isOver) this.sparingUntil.delete(bucketId);
    return !isOver;
  }

  private async giveBack(bucketIds: readonly string[]): Promise<void> {
    for (const id of bucketIds) this.note(this.parts.book.giveBack(id));
    await this.report();
  }

  private note(totals: ReadonlyMap<string, NanoUsd>): void {
    for (const [account, total] of totals) this.unreported.set(account, total);
  }

  private async report(): Promise<void> {
    const { node, book, store } = this.parts;
    this.note(book.lateReturns());
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
