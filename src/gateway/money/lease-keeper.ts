/** Keeps the lease book supplied from the store: renews before a lease runs dry, gives back what lies idle. */
import type { Clock } from "../../kernel/clock.js";
import { IDLE_LEASE_MS } from "../../kernel/limits.js";
import { type Log, reasonOf } from "../../kernel/log.js";
import { least, type NanoUsd, nanoUsd } from "../../kernel/money.js";
import type { Leases } from "../../ledger/lease-book.js";
import type { LeaseStore } from "../../ledger/store.js";
import { type Claim, storeAway } from "./claim.js";
import { LeaseRecalls } from "./lease-recalls.js";
import { LeaseReturns } from "./lease-returns.js";
import { Supplies } from "./lease-supply.js";
import { LeaseTakes } from "./lease-takes.js";

const RENEW_PAUSE_MS = 200;
/** Buckets forgotten in one round. */
const FORGET_MAX = 500;

type Parts = {
  readonly node: string;
  readonly book: Leases;
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
  private readonly supplies = new Supplies();
  /** Questions for cover so far. */
  private asks = 0;
  private readonly returns: LeaseReturns;
  private readonly takes: LeaseTakes;
  private readonly recalls: LeaseRecalls;

  constructor(parts: Parts) {
    this.parts = parts;
    const { supplies } = this;
    const returns = new LeaseReturns(parts);
    const takes = new LeaseTakes(parts, supplies, (id, supply) =>
      this.recalls.answerOwed(id, supply),
    );
    this.returns = returns;
    this.takes = takes;
    this.recalls = new LeaseRecalls(parts, { supplies, takes, returns });
  }

  /** A number for one question for cover, however often it is put. */
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
    return this.supplies.inTurn(bucketId, async () => {
      const cover = await this.coverOne(bucketId, amount, asking);
      if (this.parts.book.free(bucketId, this.parts.clock.now()) < least(asking.atLeast, amount)) {
        await this.learnOf(bucketIds.slice(0, -1));
        return { cover, taken: undefined };
      }
      const rest = await this.recalls.keeping(bucketId, () =>
        this.cover(bucketIds.slice(0, -1), amount, asking, take),
      );
      return { ...rest, cover: worse(cover, rest.cover) };
    });
  }

  /** Asks the store for buckets this process knows nothing of, so that a refusal names the one that is short. */
  private async learnOf(bucketIds: readonly string[]): Promise<void> {
    for (const id of bucketIds) if (!this.parts.book.has(id)) await this.refresh(id);
  }

  /** Whether less than half of what is left is at hand, and it was not just asked for. */
  isLow(bucketId: string): boolean {
    const { book, clock } = this.parts;
    const now = clock.now();
    if (book.free(bucketId, now) >= book.unleased(bucketId)) return false;
    const supply = this.supplies.known(bucketId);
    if (!supply) return true;
    return supply.sparingUntil <= now && supply.renewedAt + RENEW_PAUSE_MS <= now;
  }

  /** Takes more in the background. */
  renew(bucketId: string): void {
    const { clock, log } = this.parts;
    this.supplies.of(bucketId).renewedAt = clock.now();
    this.supplies
      .inTurn(bucketId, () => this.takes.take(bucketId, {}))
      .catch((thrown) =>
        log("warn", "lease_renewal_failed", { bucket: bucketId, reason: reasonOf(thrown) }),
      );
  }

  /** Learns from the store what is left of a bucket, and has opened there what its period brings. */
  async refresh(bucketId: string): Promise<void> {
    await this.supplies.inTurn(bucketId, () => this.takes.take(bucketId, {}));
  }

  /** A bucket may hold less from now on: gives all of it back, what is held now as soon as its request ends. */
  async surrender(bucketId: string): Promise<void> {
    const giveUp = (): Promise<void> => {
      this.parts.book.surrender(bucketId);
      return this.returns.sayLate();
    };
    // What is being asked for at this moment may have been granted before the change.
    if (this.supplies.known(bucketId)?.turn) {
      this.supplies.inTurn(bucketId, giveUp).catch((thrown) =>
        this.parts.log("warn", "leases_not_given_back", {
          bucket: bucketId,
          reason: reasonOf(thrown),
        }),
      );
    }
    await giveUp();
  }

  /** Another process is short: gives back what nobody here holds. */
  answerRecall(bucketId: string, recall: number): Promise<void> {
    return this.recalls.answer(bucketId, recall);
  }

  /** Gives back what nobody used for a while, and in the end forgets that it was ever there. */
  async returnIdle(): Promise<void> {
    const { book, clock } = this.parts;
    for (const [id, { takesUnderWay }] of this.supplies.entries()) {
      if (takesUnderWay === 0) await this.takes.learn(id);
    }
    const before = clock.now() - IDLE_LEASE_MS;
    for (const id of book.idleSince(before)) await this.returns.giveBack(id);
    await this.returns.sayLate();
    await this.returns.sayAgain();
    await this.forgetEnded(before);
  }

  /** Gives back all that no request holds. */
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
    const othersHold = await this.takes.takeAll(bucketId, missing);
    if (missing() <= 0n) return "covered";
    const supply = this.supplies.of(bucketId);
    if (othersHold && !(await this.recalls.hasServed(bucketId, asking.ask, missing))) {
      await this.recalls.ask(bucketId, missing, this.asks);
    }
    const isUnsure = othersHold && !supply.isAnswered;
    // What others keep may be enough for all of it: nobody is given less before that is known.
    if (missing() > 0n && asking.atLeast < amount && !isUnsure) {
      const atLeast = nanoUsd(asking.atLeast - free());
      await this.takes.take(bucketId, { need: missing(), atLeast });
    }
    if (missing() <= 0n) return "covered";
    return isUnsure ? "unsure" : "short";
  }

  /** Drops, here and in the store, what is left of leases that are over. */
  private async forgetEnded(before: number): Promise<void> {
    const { node, book, store, clock } = this.parts;
    const isQuiet = (id: string): boolean => {
      if (!this.returns.isHeard(id)) return false;
      const supply = this.supplies.known(id);
      return (
        !supply || (supply.turn === undefined && !supply.isDoubtful && supply.takesUnderWay === 0)
      );
    };
    for (const [id, { sparingUntil }] of this.supplies.entries()) {
      if (!book.has(id) && isQuiet(id) && sparingUntil <= clock.now()) this.supplies.forget(id);
    }
    const empty = book.emptySince(before).filter(isQuiet).slice(0, FORGET_MAX);
    if (empty.length === 0) return;
    const ended = await store.endedLeases(node, empty);
    const stillEmpty = new Set(book.emptySince(before));
    const forgotten = [...ended].filter(([id]) => stillEmpty.has(id) && isQuiet(id));
    for (const [id] of forgotten) {
      book.forget(id);
      this.supplies.forget(id);
    }
    if (forgotten.length > 0) await store.dropLeases(node, new Map(forgotten));
  }
}

/** `short` is certain, whatever the other buckets have. */
function worse(a: Cover, b: Cover): Cover {
  if (a === "short" || b === "short") return "short";
  return a === "unsure" ? a : b;
}
