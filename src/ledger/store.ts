import { type NanoUsd, nanoUsd, ZERO } from "../kernel/money.js";
import type { Usage } from "../tasks/usage.js";
import type { Debit, Opening } from "./account.js";
import type { ClaimStore } from "./claim.js";
import type { AwaitedCost } from "./late-cost.js";
import type { Profile } from "./profile.js";

/** What one process has set aside of one account: all that it ever took, gave back, and settled and drained. */
export type LeaseSlice = {
  readonly account: string;
  readonly expiresAt: number | undefined;
  readonly taken: NanoUsd;
  readonly returned: NanoUsd;
  readonly settled: NanoUsd;
  /** More of the account is leased than it should hold by now: all of this slice is to go back. */
  readonly isOver: boolean;
};

export type RecallState = {
  /** Every other process with a lease on the bucket has given back what it did not use. */
  readonly isAnswered: boolean;
  /** What could be leased. */
  readonly unleased: NanoUsd;
};

/** By bucket, accounts of which nothing is out, and what was taken of each. */
export type EndedLeases = ReadonlyMap<
  string,
  readonly { readonly account: string; readonly taken: NanoUsd }[]
>;

export type LeaseAnswer = {
  /** In spending order: what expires first is spent first. */
  readonly slices: readonly LeaseSlice[];
  /** What is left in the bucket that no process has leased. */
  readonly unleased: NanoUsd;
  /** Whether another process holds a lease on the bucket, which could be asked back. */
  readonly othersHold: boolean;
  /** What they have of it that is neither given back nor settled, for callers to hear of; of rates nobody does. */
  readonly elsewhere?: NanoUsd;
};

export type LeaseWish = {
  readonly need: NanoUsd;
  /** Nothing rather than less than `need`. */
  readonly isAll: boolean;
  /** Where it need not be all: nothing rather than less than this. */
  readonly atLeast?: NanoUsd;
  /** No more than `need`, because another process is short. */
  readonly isSparing: boolean;
};

export type LeaseRequest = LeaseWish & {
  readonly node: string;
  readonly bucketId: string;
  readonly now: number;
};

/** What a process takes: what it needs, and half of the rest, so that it need not ask for every request. */
export function leaseSize(left: NanoUsd, wish: LeaseWish): NanoUsd {
  const { need, isAll, atLeast = ZERO, isSparing } = wish;
  if (left < need) return isAll || left < atLeast ? ZERO : left;
  return isSparing ? need : nanoUsd(need + (left - need) / 2n);
}

/** What one settled request moves, and what is kept of it. Never a prompt, a body or a key. */
export type Settlement = {
  readonly id: string;
  /** Who made it, what for, whom it went to and at what price. */
  readonly profile: Profile;
  readonly at: number;
  /** HTTP status the caller saw; 499 for a caller who hung up. */
  readonly status: number;
  readonly outcome: "served" | "stopped" | "aborted" | "cut" | "failed" | "interrupted";
  readonly usage: Usage;
  /** What is charged: the exact cost of the usage, or what the provider says it is. */
  readonly cost: NanoUsd;
  /** What our own count would have cost, where `cost` is the provider's word; undefined where it is ours. */
  readonly counted: NanoUsd | undefined;
  /** What each account was charged; each bucket's debits sum to `cost - overrun`. */
  readonly debits: readonly Debit[];
  /** The part of the cost that no hold and no remaining lease covered. */
  readonly overrun: NanoUsd;
  readonly durationMs: number;
  readonly firstByteMs: number | undefined;
  readonly attempts: number;
  readonly isStream: boolean;
  /** What the caller wants it told apart by: `name=value`, in the order of names. */
  readonly tags: readonly string[];
  /** JSON of `ReceiptDetails`; undefined where the process died before it could note them. */
  readonly details: string | undefined;
};

/** What leases ask of storage. All of it is atomic, and safe to repeat when an answer got lost. */
export type LeaseStore = {
  /**
   * Brings the bucket up to what its owner is due, then sets aside `leaseSize` more of it for `node`. One
   * transaction; the guard is in the statement that adds to `leased`.
   */
  readonly takeLease: (request: LeaseRequest) => Promise<LeaseAnswer>;
  /** States how much `node` has given back of each account, all told. */
  readonly returnLease: (node: string, returned: ReadonlyMap<string, NanoUsd>) => Promise<void>;
  /** Those of these buckets of which nothing at all is out: all was given back, or settled and drained. */
  readonly endedLeases: (node: string, bucketIds: readonly string[]) => Promise<EndedLeases>;
  /** Forgets leases that are still as they ended; the next lease of the account begins anew. */
  readonly dropLeases: (node: string, ended: EndedLeases) => Promise<void>;
  /** Asks all other processes to give back what they do not use of a bucket; names the request. */
  readonly askBack: (node: string, bucketId: string, at: number) => Promise<number>;
  /** Gives back as `returnLease` does, and says that this was all there is to give back of the bucket. */
  readonly answerRecall: (
    node: string,
    bucketId: string,
    recall: number,
    returned: ReadonlyMap<string, NanoUsd>,
  ) => Promise<void>;
  /** How a recall stands. Locks nothing, so that it can be asked again and again. */
  readonly recallState: (
    node: string,
    bucketId: string,
    recall: number,
    now: number,
  ) => Promise<RecallState>;
};

/** What the ledger asks of storage, in the same manner. */
export type LedgerStore = ClaimStore &
  LeaseStore & {
    /** Applies settlements, each at most once, and tells the spool position up to which that is done. */
    readonly applySettlements: (batch: SettlementBatch) => Promise<{ readonly applied: number }>;
    /** How far the spool of `node` was applied. */
    readonly spoolPosition: (node: string) => Promise<SpoolPosition | undefined>;
    /** Whether all that was applied would survive a loss of power by now, so that the spool is not needed for it. */
    readonly isDurable: () => Promise<boolean>;
    /** Adds a grant outside the plan. Opening the same id twice does nothing. */
    readonly grant: (opening: Opening) => Promise<void>;
    /** Takes what is left, and not leased, out of grants and limits whose time is over. Returns how many. */
    readonly expireAccounts: (now: number) => Promise<number>;
    readonly credit: (bucketId: string, now: number) => Promise<CreditView>;
    /** Replays the whole ledger. */
    readonly audit: () => Promise<AuditReport>;
  };

/** A byte of the spool: the files of a process are numbered, each is read from its beginning. */
export type SpoolPosition = { readonly segment: number; readonly offset: number };

/** Names sort as their numbers do. */
export const segmentFile = (segment: number): string => `${String(segment).padStart(8, "0")}.spool`;

export type SettlementBatch = {
  readonly node: string;
  readonly settlements: readonly Settlement[];
  /** Requests whose provider will say later what they cost. */
  readonly awaited?: readonly AwaitedCost[];
  readonly upTo: SpoolPosition;
};

/** What the store knows of a bucket; what is held lives in the memory of the processes that lease it. */
export type CreditView = {
  readonly accounts: readonly {
    readonly id: string;
    readonly kind: string;
    readonly granted: NanoUsd;
    readonly left: NanoUsd;
    readonly leased: NanoUsd;
    readonly expiresAt: number | undefined;
  }[];
};

export type AuditReport = {
  readonly balanced: boolean;
  readonly transfers: number;
  readonly accounts: number;
  /** The first things found wrong, in words. */
  readonly faults: readonly string[];
};
