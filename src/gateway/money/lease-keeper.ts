/** Keeps the lease book supplied from the store: renews before a lease runs dry, gives back what lies idle. */
import type { Clock } from "../../kernel/clock.js";
import {
  IDLE_LEASE_MS,
  RECALL_REPEAT_MS,
  RECALL_WAIT_MS,
  SPARING_MS,
} from "../../kernel/limits.js";
import { type Log, reasonOf } from "../../kernel/log.js";
import { least, type NanoUsd, nanoUsd, ZERO } from "../../kernel/money.js";
import type { LeaseBook } from "../../ledger/lease-book.js";
import type { LeaseStore, LeaseWish } from "../../ledger/store.js";
import { type Claim, storeAway } from "./claim.js";
import { LeaseReturns } from "./lease-returns.js";
import { NO_SUPPLY, type Supply } from "./lease-supply.js";

const RECALL_POLL_MS = 10;
const RECALL_POLL_MAX_MS = 100;
/** A process may take a lease just after it answered; it is asked again. */
const RECALL_AGAIN_MS = 300;
const RENEW_PAUSE_MS = 200;
/** Buckets forgotten in one round. */
const FORGET_MAX = 500;

type Parts = {
  readonly node: string;
  readonly book: LeaseBook;
  readonly store: LeaseStore;
  readonly claim: Pick<Claim, "ensure">;
  readonly clock: Clock;
  readonly log: Log;
};

/**
 * Whether there is enough now. `unsure` when there might be: somebody who has a lease on the bucket did not answer.
 */
export type Cover = "covered" | "short" | "unsure";

export type Covered<Taken> = { readonly cover: Cover; readonly taken: Taken | undefined };

/** `ask` is a number of `newAsk`; the same one again needs no second recall. */
export type Asking = {
  readonly ask: number;
  /** Less than this is of no use to the asker, and is left to others. */
  readonly atLeast: NanoUsd;
};

export class LeaseKeeper {
  private readonly parts: Parts;
  private readonly supplies = new Map<string, Supply>();
  /** Questions for cover so far. */
  private asks = 0;
  private readonly returns: LeaseReturns;

  constructor(parts: Parts) {
    this.parts = parts;
    this.returns = new LeaseReturns(parts);
  }

  newAsk(): number {
    return ++this.asks;
  }

  /**
   * Tries to have `amount` free in each bucket, and lets `take` have it. When the store has too little, idle leases of
   * other processes are asked back first. Throws when the store cannot be asked.
   *
   * One bucket after the other, from the last one, and each is kept until the end: nobody else here asks for it
   * meanwhile, and nothing of it is given away. Whoever waits for a bucket has those behind it in the list and none
   * before it, so nobody waits in a circle. The list goes from what many share to what is one caller's own: a caller
   * whose own limit is used up keeps nobody waiting.
   */
  async cover<Taken>(
    bucketIds: readonly string[],
    amount: NanoUsd,
    asking: Asking,
    take: () => Taken | undefined,
  ): Promise<Covered<Taken>> {
    const [bucketId] = bucketIds.slice(-1);
    if (bucketId === undefined || amount === 0n) return { cover: "covered", taken: take() };
    return this.inTurn(bucketId, async () => {
      const cover = await this.coverOne(bucketId, amount, asking);
      if (this.parts.book.free(bucketId, this.parts.clock.now()) < least(asking.atLeast, amount)) {
        await this.learnOf(bucketIds.slice(0, -1));
        return { cover, taken: undefined };
      }
      const rest = await this.keeping(bucketId, () =>
        this.cover(bucketIds.slice(0, -1), amount, asking, take),
      );
      return { ...rest, cover: worse(cover, rest.cover) };
    });
  }

  /** Asks the store for buckets this process knows nothing of, so that a refusal names the one that is short. */
  private async learnOf(bucketIds: readonly string[]): Promise<void> {
    for (const id of bucketIds) if (!this.parts.book.has(id)) await this.refresh(id);
  }

  /** Owes the recalls of a bucket until `work` has ended. */
  private async keeping<Result>(bucketId: string, work: () => Promise<Result>): Promise<Result> {
    const supply = this.supplyOf(bucketId);
    supply.keepers++;
    try {
      return await work();
    } finally {
      supply.keepers--;
      this.answerOwed(bucketId, supply);
    }
  }

  /** Whether less than half of what is left is at hand, and it was not just asked for. */
  isLow(bucketId: string): boolean {
    const { book, clock } = this.parts;
    const now = clock.now();
    if (book.free(bucketId, now) >= book.unleased(bucketId)) return false;
    const supply = this.supplies.get(bucketId);
    if (!supply) return true;
    return supply.sparingUntil <= now && supply.renewedAt + RENEW_PAUSE_MS <= now;
  }

  /** Takes more in the background. */
  renew(bucketId: string): void {
    const { clock, log } = this.parts;
    this.supplyOf(bucketId).renewedAt = clock.now();
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
      return this.returns.sayLate();
    };
    // What is being asked for at this moment may have been granted before the change.
    if (this.supplies.get(bucketId)?.turn) {
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
    const { node, book, store, clock } = this.parts;
    const supply = this.supplyOf(bucketId);
    supply.sparingUntil = clock.now() + SPARING_MS;
    if (supply.takesUnderWay > 0 || supply.keepers > 0) {
      // What comes in may be more than is needed here, and what is needed must not be given away again.
      supply.owedRecall = recall;
      return;
    }
    await this.learn(bucketId);
    if (!book.has(bucketId)) return;
    await this.returns.giveBack(bucketId, (totals) =>
      store.answerRecall(node, bucketId, recall, totals),
    );
  }

  /** Gives back what nobody used for a while, and in the end forgets that it was ever there. */
  async returnIdle(): Promise<void> {
    const { book, clock } = this.parts;
    for (const [id, { takesUnderWay }] of this.supplies) {
      if (takesUnderWay === 0) await this.learn(id);
    }
    const before = clock.now() - IDLE_LEASE_MS;
    for (const id of book.idleSince(before)) await this.returns.giveBack(id);
    await this.returns.sayLate();
    await this.returns.sayAgain();
    await this.forgetEnded(before);
  }

  async returnAll(): Promise<void> {
    for (const id of this.parts.book.bucketIds()) await this.returns.giveBack(id);
    await this.returns.sayLate();
    await this.returns.sayAgain();
  }

  /** Says something of the leases to the store; they are not given up for lost before it has ended. */
  telling<Result>(said: Promise<Result>): Promise<Result> {
    return this.returns.during(said);
  }

  /** For when the leases are gone: resolves when nothing is said of them any more. */
  async dropReturns(): Promise<void> {
    await this.returns.drop();
  }

  /** As long as there is hope for all of it, nothing is taken rather than a part. */
  private async coverOne(bucketId: string, amount: NanoUsd, asking: Asking): Promise<Cover> {
    const free = () => this.parts.book.free(bucketId, this.parts.clock.now());
    const missing = () => nanoUsd(amount - free());
    if (missing() <= 0n) return "covered";
    // What this process has yet to give back may be what it lacks.
    await this.returns.sayLate().catch(storeAway);
    const othersHold = await this.takeAll(bucketId, missing);
    if (missing() <= 0n) return "covered";
    const supply = this.supplyOf(bucketId);
    // One recall serves everyone who was waiting when it began.
    if (othersHold && supply.recalledFor < asking.ask) await this.recall(bucketId, supply, missing);
    const isUnsure = othersHold && !supply.isAnswered;
    // What others keep may be enough for all of it: nobody is given less before that is known.
    if (missing() > 0n && asking.atLeast < amount && !isUnsure) {
      const atLeast = nanoUsd(asking.atLeast - free());
      await this.take(bucketId, { need: missing(), atLeast });
    }
    if (missing() <= 0n) return "covered";
    return isUnsure ? "unsure" : "short";
  }

  /**
   * Asks idle leases back and takes what is missing as soon as it is there. Meanwhile nothing is kept here either,
   * so that of two processes that are both short one gets it all, rather than each a part.
   */
  private async recall(bucketId: string, supply: Supply, missing: () => NanoUsd): Promise<void> {
    const { node, store, clock } = this.parts;
    const began = clock.now();
    const waiting = this.asks;
    await this.returns.giveBack(bucketId).catch(storeAway);
    const recall = await store.askBack(node, bucketId, began).catch(storeAway);
    const endsAt = began + (supply.isAnswered ? RECALL_WAIT_MS : RECALL_REPEAT_MS);
    let askAgainAt = began + RECALL_AGAIN_MS;
    for (let pauseMs = RECALL_POLL_MS; clock.now() < endsAt; pauseMs *= 2) {
      const state = await store.recallState(node, bucketId, recall, clock.now()).catch(storeAway);
      const isThere = state.unleased >= missing();
      if (isThere) await this.takeAll(bucketId, missing);
      if (missing() <= 0n) return;
      if (state.isAnswered) return this.noteRecall(supply, waiting, true);
      await clock.sleep(Math.min(pauseMs, RECALL_POLL_MAX_MS));
      if (clock.now() < askAgainAt) continue;
      await store.askBack(node, bucketId, clock.now()).catch(storeAway);
      askAgainAt = clock.now() + RECALL_AGAIN_MS;
    }
    this.noteRecall(supply, waiting, false);
  }

  /** Not of one that ended early, because whoever asked had enough: it says nothing about what the others had. */
  private noteRecall(supply: Supply, asks: number, isAnswered: boolean): void {
    supply.recalledFor = asks;
    supply.isAnswered = isAnswered;
  }

  /**
   * Takes all that is missing, if there is as much. What was at hand when it was asked for may be another request's
   * when the answer comes, and then more is missing. Returns whether other processes hold a lease on the bucket.
   */
  private async takeAll(bucketId: string, missing: () => NanoUsd): Promise<boolean> {
    const { book } = this.parts;
    for (;;) {
      const othersHold = await this.take(bucketId, { need: missing(), isAll: true });
      if (missing() <= 0n || missing() > book.unleased(bucketId)) return othersHold;
    }
  }

  /** Returns whether other processes hold a lease on the bucket. */
  private async take(bucketId: string, wish: Partial<LeaseWish>): Promise<boolean> {
    const { node, book, store, claim, clock } = this.parts;
    await claim.ensure();
    const now = clock.now();
    const { generation } = book;
    const supply = this.supplyOf(bucketId);
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
    this.answerOwed(bucketId, supply);
    return answer.othersHold;
  }

  /** After whoever asked for the lease has held what it needs. */
  private answerOwed(bucketId: string, supply: Supply): void {
    const { owedRecall } = supply;
    if (owedRecall === undefined || supply.takesUnderWay > 0 || supply.keepers > 0) return;
    supply.owedRecall = undefined;
    setImmediate(() => {
      this.answerRecall(bucketId, owedRecall).catch((thrown) =>
        this.parts.log("warn", "recall_not_answered", {
          bucket: bucketId,
          reason: reasonOf(thrown),
        }),
      );
    });
  }

  /** Where an answer got lost: takes nothing, to hear what was taken. */
  private async learn(bucketId: string): Promise<void> {
    if (!this.supplyOf(bucketId).isDoubtful) return;
    await this.take(bucketId, { isSparing: true });
  }

  /** Drops, here and in the store, what is left of leases that are over. */
  private async forgetEnded(before: number): Promise<void> {
    const { node, book, store, clock } = this.parts;
    const isQuiet = (id: string): boolean => {
      if (!this.returns.isHeard(id)) return false;
      const supply = this.supplies.get(id);
      return (
        !supply || (supply.turn === undefined && !supply.isDoubtful && supply.takesUnderWay === 0)
      );
    };
    for (const [id, { sparingUntil }] of this.supplies) {
      if (!book.has(id) && isQuiet(id) && sparingUntil <= clock.now()) this.supplies.delete(id);
    }
    const empty = book.emptySince(before).filter(isQuiet).slice(0, FORGET_MAX);
    if (empty.length === 0) return;
    const ended = await store.endedLeases(node, empty);
    const stillEmpty = new Set(book.emptySince(before));
    const forgotten = [...ended].filter(([id]) => stillEmpty.has(id) && isQuiet(id));
    for (const [id] of forgotten) {
      book.forget(id);
      this.supplies.delete(id);
    }
    if (forgotten.length > 0) await store.dropLeases(node, new Map(forgotten));
  }

  private supplyOf(bucketId: string): Supply {
    let supply = this.supplies.get(bucketId);
    if (!supply) {
      supply = { ...NO_SUPPLY };
      this.supplies.set(bucketId, supply);
    }
    return supply;
  }

  private inTurn<Result>(bucketId: string, work: () => Promise<Result>): Promise<Result> {
    const supply = this.supplyOf(bucketId);
    const turn = (supply.turn ?? Promise.resolve()).then(work, work);
    supply.turn = turn;
    const clear = () => {
      if (supply.turn === turn) supply.turn = undefined;
    };
    turn.then(clear, clear);
    return turn;
  }
}

/** `short` is certain, whatever the other buckets have. */
function worse(a: Cover, b: Cover): Cover {
  if (a === "short" || b === "short") return "short";
  return a === "unsure" ? a : b;
}
