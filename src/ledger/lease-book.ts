/**
 * The money a process may spend without asking: its leases, and the holds that requests have on them. All of
 * it is synchronous, so no two requests can both take the last nano-dollar.
 */
import { least, type NanoUsd, nanoUsd, ZERO } from "../kernel/money.js";
import type { Debit } from "./account.js";
import {
  type AccountLease,
  added,
  type BucketLease,
  freeOf,
  grow,
  type HeldPart,
  type Hold,
  hasFree,
  isInUse,
  take,
  unknownLease,
} from "./bucket-lease.js";
import type { LeaseAnswer } from "./store.js";

export type HoldAnswer =
  | { readonly ok: true; readonly hold: Hold }
  /** The first bucket that does not cover the amount, and what it has free. */
  | { readonly ok: false; readonly bucketId: string; readonly available: NanoUsd };

export type Charge = {
  readonly debits: readonly Debit[];
  readonly charged: NanoUsd;
  readonly overrun: NanoUsd;
};

/** What whoever keeps leases supplied asks of a book, in amounts of whatever it counts. */
export type Leases = Pick<
  LeaseBook,
  | ("add" | "free" | "unleased" | "has" | "forget" | "idleSince" | "emptySince" | "bucketIds")
  | ("giveBack" | "surrender" | "lateReturns" | "allowUntil" | "forfeit" | "generation")
>;

export class LeaseBook implements Leases {
  private readonly buckets = new Map<string, BucketLease>();
  private readonly openHolds = new Set<Hold>();
  /** By bucket, accounts of which something surrendered went back, and nobody was told yet. */
  private readonly late = new Map<string, Set<AccountLease>>();
  private validUntil = Number.POSITIVE_INFINITY;
  /** Moves when all leases were forfeited: what was asked for before is not to be added any more. */
  generation = 0;

  /** Until when anything may be held, unless this is said again. */
  allowUntil(at: number): void {
    this.validUntil = at;
  }

  /** The leases are no longer ours. Nothing is free, and what requests hold has nothing behind it any more. */
  forfeit(): void {
    this.generation++;
    this.late.clear();
    for (const bucket of this.buckets.values()) {
      bucket.accounts = [];
      bucket.unleased = ZERO;
      bucket.elsewhere = ZERO;
    }
    for (const hold of this.openHolds) {
      for (const part of hold.parts) part.held.length = 0;
      hold.amount = ZERO;
    }
  }

  /** Takes in what the store answered for a bucket. */
  add(bucketId: string, answer: LeaseAnswer, now: number): void {
    const bucket = this.bucketOf(bucketId, now);
    const known = new Map(bucket.accounts.map((account) => [account.id, account]));
    const accounts: AccountLease[] = [];
    for (const slice of answer.slices) {
      const account = known.get(slice.account) ?? unknownLease(slice);
      known.delete(slice.account);
      // Sums only grow, so an answer that was overtaken by a later one says nothing new.
      if (slice.taken > account.taken) {
        account.free = nanoUsd(account.free + slice.taken - account.taken);
        account.taken = slice.taken;
      }
      accounts.push(account);
      if (slice.isOver) this.giveUp(bucketId, account);
    }
    bucket.accounts = [...accounts, ...[...known.values()].filter(isInUse)];
    bucket.unleased = answer.unleased;
    bucket.elsewhere = answer.elsewhere ?? ZERO;
  }

  /** Holds `amount` on every bucket, or on none. */
  hold(bucketIds: readonly string[], amount: NanoUsd, now: number, expiresAt: number): HoldAnswer {
    for (const id of bucketIds) {
      if (this.covers(id, amount, now)) continue;
      return { ok: false, bucketId: id, available: this.free(id, now) };
    }
    const hold: Hold = { expiresAt, amount: ZERO, parts: [], isOpen: true };
    for (const id of bucketIds) {
      hold.parts.push({ bucket: this.bucketOf(id, now), held: [] });
    }
    grow(hold, amount, now);
    this.openHolds.add(hold);
    return { ok: true, hold };
  }

  /** Adds up to `more` to a hold, the same on every bucket; returns how much that was. */
  extend(hold: Hold, more: NanoUsd, now: number): NanoUsd {
    if (!hold.isOpen || now >= this.validUntil) return ZERO;
    const possible = hold.parts.reduce((most, part) => least(most, freeOf(part.bucket, now)), more);
    grow(hold, possible, now);
    return possible;
  }

  /** Charges `cost` as far as the hold and what is free beside it go, and releases the rest. */
  settle(hold: Hold, cost: NanoUsd, now: number): Charge {
    if (cost > hold.amount) this.extend(hold, nanoUsd(cost - hold.amount), now);
    const charged = least(cost, hold.amount);
    const debits: Debit[] = [];
    for (const part of hold.parts) take(part.held, charged, debits);
    this.close(hold);
    // Every sum of bigints is garbage, and nearly every request is covered.
    return { debits, charged, overrun: charged === cost ? ZERO : nanoUsd(cost - charged) };
  }

  release(hold: Hold): void {
    this.close(hold);
  }

  /** The last net: releases holds that nobody settled in time. Returns how many. */
  releaseExpired(now: number): number {
    let count = 0;
    for (const hold of this.openHolds) {
      if (hold.expiresAt > now) continue;
      this.close(hold);
      count++;
    }
    return count;
  }

  free(bucketId: string, now: number): NanoUsd {
    const bucket = now < this.validUntil ? this.buckets.get(bucketId) : undefined;
    return bucket ? freeOf(bucket, now) : ZERO;
  }

  /** What nobody had leased when the store was last asked. */
  unleased(bucketId: string): NanoUsd {
    return this.buckets.get(bucketId)?.unleased ?? ZERO;
  }

  /** What may be left of a bucket wherever it is leased: others may have spent of theirs since the store was asked. */
  leftAnywhere(bucketId: string, now: number): NanoUsd {
    const bucket = this.buckets.get(bucketId);
    if (!bucket) return ZERO;
    const free = now < this.validUntil ? freeOf(bucket, now) : ZERO;
    return nanoUsd(free + bucket.unleased + bucket.elsewhere);
  }

  has(bucketId: string): boolean {
    return this.buckets.has(bucketId);
  }

  /** Buckets nobody has held on since `before`, and that have something to give back. */
  idleSince(before: number): string[] {
    return [...this.buckets.values()]
      .filter((bucket) => bucket.lastUsedAt < before && bucket.accounts.some((a) => a.free > 0n))
      .map((bucket) => bucket.id);
  }

  /** Buckets nobody has held on since `before`, with nothing free and nothing held. */
  emptySince(before: number): string[] {
    const held = new Set<BucketLease>();
    for (const hold of this.openHolds) for (const part of hold.parts) held.add(part.bucket);
    return [...this.buckets.values()]
      .filter((bucket) => bucket.lastUsedAt < before && !held.has(bucket))
      .filter((bucket) => bucket.accounts.every((account) => account.free === 0n))
      .map((bucket) => bucket.id);
  }

  /** Drops all that is known of a bucket that `emptySince` named and that the store has nothing of any more. */
  forget(bucketId: string): void {
    this.buckets.delete(bucketId);
  }

  /**
   * Gives up all that is free in a bucket: from here on it cannot be held. Returns, by account, what was given
   * back all told, for the store to be told until it has heard it.
   */
  giveBack(bucketId: string): Map<string, NanoUsd> {
    const totals = new Map<string, NanoUsd>();
    const bucket = this.buckets.get(bucketId);
    for (const account of bucket?.accounts ?? []) {
      if (!bucket || account.free === 0n) continue;
      bucket.unleased = nanoUsd(bucket.unleased + account.free);
      account.returned = nanoUsd(account.returned + account.free);
      account.free = ZERO;
      totals.set(account.id, account.returned);
    }
    return totals;
  }

  /**
   * Gives up all of a bucket that may hold less from now on: what is held at this moment is not free again
   * afterwards either, but goes back when its request ends. `lateReturns` tells what went back.
   */
  surrender(bucketId: string): void {
    for (const account of this.buckets.get(bucketId)?.accounts ?? []) {
      this.giveUp(bucketId, account);
    }
  }

  /** By bucket and account, what went back since this was last asked, for having been surrendered. */
  lateReturns(): Map<string, Map<string, NanoUsd>> {
    const returns = new Map<string, Map<string, NanoUsd>>();
    for (const [bucketId, accounts] of this.late) {
      returns.set(bucketId, new Map([...accounts].map(({ id, returned }) => [id, returned])));
    }
    this.late.clear();
    return returns;
  }

  /** All buckets with a lease. */
  bucketIds(): string[] {
    return [...this.buckets.keys()];
  }

  /** Held at this moment on a bucket. */
  heldOn(bucketId: string): NanoUsd {
    let sum = 0n;
    for (const hold of this.openHolds) {
      if (hold.parts.some((part) => part.bucket.id === bucketId)) sum += hold.amount;
    }
    return nanoUsd(sum);
  }

  private covers(bucketId: string, amount: NanoUsd, now: number): boolean {
    const bucket = now < this.validUntil ? this.buckets.get(bucketId) : undefined;
    return bucket ? hasFree(bucket, amount, now) : amount === 0n;
  }

  private close(hold: Hold): void {
    for (const { bucket, held } of hold.parts) {
      for (const part of held) this.unhold(bucket.id, part);
    }
    hold.parts.length = 0;
    hold.amount = ZERO;
    hold.isOpen = false;
    this.openHolds.delete(hold);
  }

  private giveUp(bucketId: string, account: AccountLease): void {
    account.surrenders++;
    this.returnLate(bucketId, account, account.free);
    account.free = ZERO;
  }

  private unhold(bucketId: string, { account, surrenders, amount }: HeldPart): void {
    if (surrenders === account.surrenders) account.free = added(account.free, amount);
    else this.returnLate(bucketId, account, amount);
  }

  private returnLate(bucketId: string, account: AccountLease, amount: NanoUsd): void {
    if (amount === 0n) return;
    account.returned = nanoUsd(account.returned + amount);
    this.late.set(bucketId, (this.late.get(bucketId) ?? new Set()).add(account));
  }

  private bucketOf(id: string, now: number): BucketLease {
    let bucket = this.buckets.get(id);
    if (!bucket) {
      bucket = { id, accounts: [], unleased: ZERO, elsewhere: ZERO, lastUsedAt: now };
      this.buckets.set(id, bucket);
    }
    return bucket;
  }
}
