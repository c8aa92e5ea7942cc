/**
 * The requests, tokens and places a process may use without asking. It keeps the promises of `LeaseBook`, in plain
 * numbers: a limit is one account, no transfer is written of it, and what is used of a minute is just not given back.
 * That makes a request under three limits one object here, where money would need a hold for each.
 */
import { type NanoUsd, nanoUsd } from "../../kernel/money.js";
import type { Leases } from "../../ledger/lease-book.js";
import type { LeaseAnswer } from "../../ledger/store.js";

/** What this process has of one bucket. Whoever keeps one looks at `RateBook.forgotten`, to see if it still counts. */
export type RateLease = {
  readonly id: string;
  /** The store told of it. */
  isKnown: boolean;
  /** All that was ever taken of, and given back to, the bucket by this process. */
  taken: number;
  returned: number;
  /** Neither held nor used. */
  free: number;
  held: number;
  /** What the store had left when it was last asked. */
  unleased: number;
  /** By the book's count of surrenders; what was held before goes back, instead of becoming free. */
  surrenderedAt: number;
  lastUsedAt: number;
};

/** What a request takes part in. */
export type RateLeases = {
  readonly requests: readonly RateLease[];
  readonly tokens: readonly RateLease[];
  readonly concurrent: readonly RateLease[];
};

/** What a request holds: its tokens and its place on each lease. The request itself is used up at once. */
export type RateHold = {
  readonly leases: RateLeases;
  readonly tokens: number;
  readonly expiresAt: number;
  /** The book's, when it was held. */
  readonly surrenders: number;
  readonly generation: number;
  /** Where it is among the book's open ones, or `NOT_OPEN`: each request pays for this, and a `Set` costs more. */
  slot: number;
};

/** Leases are told of in the ledger's terms, and do not care what they count. */
export const counts = (number: number): NanoUsd => nanoUsd(BigInt(number));

export class RateBook implements Leases {
  private readonly leases = new Map<string, RateLease>();
  /** In no order. */
  private readonly open: RateHold[] = [];
  /** Of which something surrendered went back, and nobody was told yet. */
  private readonly late = new Set<RateLease>();
  private validUntil = Number.POSITIVE_INFINITY;
  /** How often a lease was given up. */
  surrenders = 0;
  /** How often one was forgotten. */
  forgotten = 0;
  generation = 0;

  allowUntil(at: number): void {
    this.validUntil = at;
  }

  forfeit(): void {
    this.generation++;
    this.late.clear();
    for (const lease of this.leases.values()) Object.assign(lease, NOTHING);
  }

  add(bucketId: string, { slices, unleased }: LeaseAnswer, now: number): void {
    const lease = this.leaseOf(bucketId, now);
    lease.isKnown = true;
    lease.unleased = Number(unleased);
    const [slice] = slices;
    if (!slice) return;
    const taken = Number(slice.taken);
    // What is out and not known here was never held: its answer got lost, or it was taken before all was forgotten.
    if (lease.taken === 0) lease.taken = lease.returned = Number(slice.returned);
    // Sums only grow, so an answer that was overtaken by a later one says nothing new.
    if (taken > lease.taken) {
      lease.free += taken - lease.taken;
      lease.taken = taken;
    }
    if (slice.isOver) this.giveUp(lease);
  }

  /** The lease of a bucket, also of one that nobody has asked for yet. */
  leaseOf(bucketId: string, now: number): RateLease {
    let lease = this.leases.get(bucketId);
    if (!lease) {
      lease = { id: bucketId, ...NOTHING, surrenderedAt: 0, lastUsedAt: now };
      this.leases.set(bucketId, lease);
    }
    return lease;
  }

  /** Whether each of some leases has as much free. */
  covers(leases: readonly RateLease[], amount: number, now: number): boolean {
    const isValid = now < this.validUntil;
    for (const { free } of leases) if (amount > (isValid ? free : 0)) return false;
    return true;
  }

  /**
   * Takes what `covers` said is there: uses up the request, and holds the rest until `end`. Returns whether some lease is
   * low by now.
   */
  begin(hold: RateHold, now: number): boolean {
    const { requests, tokens, concurrent } = hold.leases;
    let isAnyLow = false;
    for (const lease of requests) {
      use(lease, 1, now);
      isAnyLow ||= isLow(lease);
    }
    for (const lease of tokens) {
      keep(lease, hold.tokens, now);
      isAnyLow ||= isLow(lease);
    }
    for (const lease of concurrent) {
      keep(lease, 1, now);
      isAnyLow ||= isLow(lease);
    }
    hold.slot = this.open.push(hold) - 1;
    return isAnyLow;
  }

  /**
   * Frees the place, and of the tokens as many as were held and not used. Returns false where that was done before: what
   * comes after the end changes nothing.
   */
  end(hold: RateHold, used: number): boolean {
    if (!this.close(hold)) return false;
    const { tokens, concurrent } = hold.leases;
    this.unhold(hold, concurrent, 1, 1);
    this.unhold(hold, tokens, hold.tokens, Math.max(0, hold.tokens - used));
    return true;
  }

  /** Uses up to `most` of each lease, the same of all; returns how much that was. */
  useUp(leases: readonly RateLease[], most: number, now: number): number {
    let amount = now < this.validUntil ? most : 0;
    for (const { free } of leases) amount = Math.min(amount, free);
    for (const lease of leases) use(lease, amount, now);
    return amount;
  }

  /** The last net: ends what nobody ended in time, as if it had used nothing. Returns how many. */
  releaseExpired(now: number): number {
    const expired = this.open.filter(({ expiresAt }) => expiresAt <= now);
    for (const hold of expired) this.end(hold, 0);
    return expired.length;
  }

  free(bucketId: string, now: number): NanoUsd {
    return counts(now < this.validUntil ? (this.leases.get(bucketId)?.free ?? 0) : 0);
  }

  unleased(bucketId: string): NanoUsd {
    return counts(this.leases.get(bucketId)?.unleased ?? 0);
  }

  has(bucketId: string): boolean {
    return this.leases.get(bucketId)?.isKnown === true;
  }

  idleSince(before: number): string[] {
    return this.idsOf((lease) => lease.lastUsedAt < before && lease.free > 0);
  }

  emptySince(before: number): string[] {
    return this.idsOf(
      ({ lastUsedAt, held, free }) => lastUsedAt < before && held === 0 && free === 0,
    );
  }

  forget(bucketId: string): void {
    this.forgotten++;
    this.leases.delete(bucketId);
  }

  giveBack(bucketId: string): Map<string, NanoUsd> {
    const lease = this.leases.get(bucketId);
    if (!lease || lease.free === 0) return new Map();
    lease.unleased += lease.free;
    lease.returned += lease.free;
    lease.free = 0;
    return new Map([[bucketId, counts(lease.returned)]]);
  }

  surrender(bucketId: string): void {
    const lease = this.leases.get(bucketId);
    if (lease) this.giveUp(lease);
  }

  lateReturns(): Map<string, Map<string, NanoUsd>> {
    const late = [...this.late];
    this.late.clear();
    return new Map(late.map(({ id, returned }) => [id, new Map([[id, counts(returned)]])]));
  }

  bucketIds(): string[] {
    return this.idsOf(({ isKnown }) => isKnown);
  }

  private idsOf(isMeant: (lease: RateLease) => boolean): string[] {
    return [...this.leases.values()].filter(isMeant).map(({ id }) => id);
  }

  /** The last of the open ones moves to where it was. */
  private close(hold: RateHold): boolean {
    const { open } = this;
    const { slot } = hold;
    if (slot < 0) return false;
    const last = open.pop();
    if (last && last !== hold) {
      open[slot] = last;
      last.slot = slot;
    }
    hold.slot = NOT_OPEN;
    return true;
  }

  /** Ends `held` of each lease, of which `unused` comes back. What was forfeited meanwhile has nothing behind it. */
  private unhold(
    { generation, surrenders }: RateHold,
    leases: readonly RateLease[],
    held: number,
    unused: number,
  ): void {
    if (generation !== this.generation) return;
    for (const lease of leases) {
      lease.held -= held;
      if (lease.surrenderedAt > surrenders) this.returnLate(lease, unused);
      else lease.free += unused;
    }
  }

  private giveUp(lease: RateLease): void {
    lease.surrenderedAt = ++this.surrenders;
    this.returnLate(lease, lease.free);
    lease.free = 0;
  }

  private returnLate(lease: RateLease, amount: number): void {
    if (amount === 0) return;
    lease.returned += amount;
    this.late.add(lease);
  }
}

/** Whether the store has more left than is free here. */
export const isLow = ({ free, unleased }: RateLease): boolean => free < unleased;

/** The slot of a hold that is not begun, or ended. */
export const NOT_OPEN = -1;

const NOTHING = { isKnown: false, taken: 0, returned: 0, free: 0, held: 0, unleased: 0 };

function use(lease: RateLease, amount: number, now: number): void {
  lease.free -= amount;
  lease.lastUsedAt = now;
}

function keep(lease: RateLease, amount: number, now: number): void {
  use(lease, amount, now);
  lease.held += amount;
}
