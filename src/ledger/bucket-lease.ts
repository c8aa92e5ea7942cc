/** One bucket as this process has leased it, account by account, and what a request holds of it. */
import { assert } from "../kernel/errors.js";
import { type NanoUsd, nanoUsd, ZERO } from "../kernel/money.js";
import type { Debit } from "./account.js";
import type { LeaseSlice } from "./store.js";

export type AccountLease = {
  readonly id: string;
  readonly expiresAt: number | undefined;
  /** All that was ever taken of, and given back to, the account by this process. */
  taken: NanoUsd;
  returned: NanoUsd;
  /** Neither held nor charged. */
  free: NanoUsd;
  /** How often all of the account was given up: what was held before that goes back, instead of becoming free. */
  surrenders: number;
};

export type BucketLease = {
  readonly id: string;
  /** In spending order. */
  accounts: AccountLease[];
  /** What the store had left when it was last asked. */
  unleased: NanoUsd;
  /** What other processes had leased by then. */
  elsewhere: NanoUsd;
  lastUsedAt: number;
};

export type HeldPart = {
  readonly account: AccountLease;
  readonly surrenders: number;
  amount: NanoUsd;
};

/** A request's claim on every bucket that applies to it. The same amount is held on each. */
export type Hold = {
  readonly expiresAt: number;
  amount: NanoUsd;
  readonly parts: { readonly bucket: BucketLease; readonly held: HeldPart[] }[];
  isOpen: boolean;
};

/** What is out and not known here was never held: its answer got lost, or it was taken before all was forgotten. */
export const unknownLease = ({
  account,
  expiresAt,
  returned,
  settled,
}: LeaseSlice): AccountLease => ({
  id: account,
  expiresAt,
  taken: nanoUsd(returned + settled),
  returned,
  free: ZERO,
  surrenders: 0,
});

/** What would be charged if all of a hold were, by account. */
export function debitsOf(hold: Hold): Debit[] {
  const debits: Debit[] = [];
  for (const { held } of hold.parts) {
    const first = debits.length;
    for (const { account, amount } of held) addDebit(debits, first, account.id, amount);
  }
  return debits;
}

const isLive = (account: AccountLease, now: number): boolean =>
  account.expiresAt === undefined || account.expiresAt > now;

/** An account the store no longer lists is kept while something of it is still out. */
export const isInUse = (account: AccountLease): boolean => account.taken > account.returned;

/** What may be held of a bucket at this moment: nothing of accounts whose time is over. */
export function freeOf(bucket: BucketLease, now: number): NanoUsd {
  let sum = ZERO;
  for (const account of bucket.accounts) if (isLive(account, now)) sum = added(sum, account.free);
  return sum;
}

/** Whether `amount` is free, which the first account alone nearly always settles. */
export function hasFree(bucket: BucketLease, amount: NanoUsd, now: number): boolean {
  let missing: bigint = amount;
  for (const account of bucket.accounts) {
    if (!isLive(account, now)) continue;
    if (account.free >= missing) return true;
    missing -= account.free;
  }
  return missing === 0n;
}

/** A sum, which is nothing new where one of the two is nothing. */
export const added = (a: NanoUsd, b: NanoUsd): NanoUsd =>
  a === 0n ? b : b === 0n ? a : nanoUsd(a + b);

/** Holds `amount` more on every bucket of a hold, each of which has that much free, in spending order. */
export function grow(hold: Hold, amount: NanoUsd, now: number): void {
  for (const part of hold.parts) {
    part.bucket.lastUsedAt = now;
    let left: bigint = amount;
    for (const account of part.bucket.accounts) {
      if (left === 0n) break;
      if (account.free === 0n || !isLive(account, now)) continue;
      const isEnough = account.free >= left;
      const some = isEnough ? nanoUsd(left) : account.free;
      account.free = nanoUsd(account.free - some);
      part.held.push({ account, surrenders: account.surrenders, amount: some });
      left = isEnough ? 0n : left - some;
    }
    assert(left === 0n, "a hold grew by more than its bucket had free");
  }
  hold.amount = added(hold.amount, amount);
}

/** Charges `amount` to held parts in spending order; what stays in them is released afterwards. */
export function take(held: HeldPart[], amount: NanoUsd, debits: Debit[]): void {
  const first = debits.length;
  let left: bigint = amount;
  for (const part of held) {
    if (left === 0n) break;
    const isEnough = part.amount >= left;
    const some = isEnough ? nanoUsd(left) : part.amount;
    part.amount = isEnough ? nanoUsd(part.amount - some) : ZERO;
    left = isEnough ? 0n : left - some;
    addDebit(debits, first, part.account.id, some);
  }
}

/** A hold that grew can hold twice on one account; its debits of one bucket, from `first` on, name it once. */
function addDebit(debits: Debit[], first: number, account: string, amount: NanoUsd): void {
  for (let i = first; i < debits.length; i++) {
    const debit = debits[i];
    if (debit?.account !== account) continue;
    debits[i] = { account, amount: nanoUsd(debit.amount + amount) };
    return;
  }
  debits.push({ account, amount });
}
