/**
 * Requests whose provider says later what they cost. What our own count came to is charged at once; the difference
 * follows as further transfers, either way.
 */
import type { NanoUsd } from "../kernel/money.js";
import type { Debit } from "./account.js";

/** Noted when such a provider begins to answer. */
export type AwaitedCost = {
  readonly requestId: string;
  readonly provider: string;
  /** The provider's own id of the request. */
  readonly providerRequestId: string;
  /** The buckets that pay. */
  readonly bucketIds: readonly string[];
  readonly at: number;
  /** Set for a job that a caller began on a provider's own wire. */
  readonly job?: JobNote;
};

/** What is known of a job beside its id: how to ask for it, or that there is nothing left to ask. */
export type JobNote = JobLook | "known";

/** Where a job is asked for, and what it was charged as. Neither a prompt nor a key is in it. */
export type JobLook = {
  readonly path: string;
  readonly host: string | undefined;
  /** As metering has it. */
  readonly asked: unknown;
  /** Undefined for jobs from before it was noted. */
  readonly offer?: JobOffer;
};

/** What a job is charged at, whatever becomes of the price meanwhile. */
export type JobOffer = {
  readonly providerModel: string;
  /** As the catalog writes it; undefined: none. */
  readonly price: string | undefined;
  readonly isFree: boolean;
};

/** One that has ended and was not told of yet. */
export type WaitingCost = Pick<AwaitedCost, "requestId" | "providerRequestId" | "bucketIds"> & {
  /** What was counted for it so far, charged or overrun. */
  readonly cost: NanoUsd;
  readonly endedAt: number;
  /** How often the provider was asked. */
  readonly asks: number;
};

/** What became of it: told by the provider, or given up and free of charge. */
export type LateCost = {
  readonly requestId: string;
  readonly outcome: "billed" | "unbilled";
  readonly cost: NanoUsd;
  /** What the accounts of each bucket pay more than before; with `overrun` it is all that the cost went up. */
  readonly debits: readonly Debit[];
  readonly overrun: NanoUsd;
  /**
   * What our own count of a job came to, which is not what it was charged as when it began; `none` where its provider told
   * no cost of its own. Without it, what was charged is our count.
   */
  readonly ownCount?: NanoUsd | "none";
};

/** How far our count is from what a provider says, over all its requests of some days. */
export type Drift = {
  readonly provider: string;
  /** Requests whose cost the provider told, at once or later. */
  readonly requests: number;
  readonly counted: NanoUsd;
  readonly reported: NanoUsd;
  /** Of these, how many cost more than we counted, and how many less. */
  readonly above: number;
  readonly below: number;
  /** Requests that it never told the cost of, and that were free of charge. */
  readonly unbilled: number;
};

/** A job that a caller began on a provider's own wire, and may ask about. */
export type AwaitedJob = {
  readonly provider: string;
  /** The provider's id of it. */
  readonly job: string;
  /** Our id of the request that began it. */
  readonly requestId: string;
  readonly userId: string;
  readonly bucketIds: readonly string[];
  readonly model: string;
  readonly task: string;
  readonly begunAt: number;
  /** What was charged or overrun when it began. */
  readonly cost: NanoUsd;
  /** Its result was seen, and settled. */
  readonly isSettled: boolean;
  /** Undefined where there is nothing left to ask. */
  readonly look: JobLook | undefined;
};

/** A job that nobody has seen the end of, and whose time to be asked for has come. */
export type WaitingJob = AwaitedJob & {
  readonly look: JobLook;
  /** How often it was asked for here, beside its caller's own questions. */
  readonly asks: number;
};

/** What late costs ask of storage. */
export type LateCostStore = {
  /** Takes or keeps a job's turn until `until`, where no other process has it. */
  readonly takeTurn: (turn: {
    readonly job: string;
    readonly node: string;
    readonly now: number;
    readonly until: number;
  }) => Promise<boolean>;
  /** Forgets those whose request ended elsewhere or as a failure: nobody is charged for them. */
  readonly dropVoid: () => Promise<void>;
  /** The providers that are still to tell what some request cost; not those of jobs. */
  readonly awaitedProviders: () => Promise<readonly string[]>;
  /** Requests of a provider that ended by `endedBy`, in the order of their ids, after the id `after`. */
  readonly waiting: (page: {
    readonly provider: string;
    readonly endedBy: number;
    readonly after: string;
    readonly count: number;
  }) => Promise<readonly WaitingCost[]>;
  /** By the provider's own id of it; undefined for one that nobody began here. */
  readonly findJob: (provider: string, job: string) => Promise<AwaitedJob | undefined>;
  /** Jobs on keys of the operator's whose time has come by `now`, the longest overdue first. */
  readonly jobsToAskFor: (page: {
    readonly now: number;
    readonly count: number;
  }) => Promise<readonly WaitingJob[]>;
  /** Notes that a job was asked for in vain, and when it may be asked for again. */
  readonly askJobAgain: (requestId: string, at: number) => Promise<void>;
  /** Counts one more question about each of these requests. */
  readonly noteAsked: (requestIds: readonly string[]) => Promise<void>;
  /**
   * Settles what still waits, in one transaction, and returns whose turn from waiting to settled was this node's: now
   * or when it asked before and the answer got lost.
   */
  readonly settleLate: (batch: {
    readonly node: string;
    readonly at: number;
    readonly costs: readonly LateCost[];
  }) => Promise<ReadonlySet<string>>;
  /** Which of some requests this node has settled. */
  readonly settledBy: (node: string, requestIds: readonly string[]) => Promise<ReadonlySet<string>>;
  /** By provider, since a time in ms UTC. */
  readonly drift: (since: number) => Promise<readonly Drift[]>;
};
