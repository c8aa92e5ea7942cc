import { CALENDAR, periodAt } from "../kernel/period.js";
import { fundsBucketOf, type Payer } from "./payer.js";
import type { AccessToken, User } from "./user.js";

/** One of the limits that a caller's requests meet, as people know it. */
export type CallerBucket = {
  readonly id: string;
  /** As a 402 names it. */
  readonly kind: "credit" | "token_budget";
  /** Whose or which. */
  readonly name: string;
  /** How a sentence about it begins. */
  readonly title: string;
  /** When there is more again: with the payer's period, with the calendar month, or never. */
  readonly resets: "period" | "month" | "never";
};

/** Who is calling and who pays: a live token, its user, and the payer. Made once, looked up by every request. */
export type Caller = {
  readonly user: User;
  readonly token: AccessToken;
  readonly payer: Payer;
  /** The payer's own bucket, which names it in the books. */
  readonly payerId: string;
  /** The resource group that was named; empty for none. */
  readonly groupId: string;
  /** What they spend is held on all of these. */
  readonly buckets: readonly CallerBucket[];
  /** The ids of `buckets`. */
  readonly bucketIds: readonly string[];
};

/** A token's user pays. */
export function callerOf(user: User, token: AccessToken): Caller {
  const buckets = [creditBucket(user), ...budgetBucket(token)];
  return {
    user,
    token,
    payer: user,
    payerId: fundsBucketOf(user),
    groupId: "",
    buckets,
    bucketIds: buckets.map(({ id }) => id),
  };
}

/** When there is more in a bucket by itself; undefined: never. */
export function resetsAt({ payer }: Caller, bucket: CallerBucket, now: number): number | undefined {
  if (bucket.resets === "never") return undefined;
  return periodAt(bucket.resets === "month" ? CALENDAR : payer.anchor, now).end;
}

const creditBucket = (payer: Payer): CallerBucket => ({
  id: fundsBucketOf(payer),
  kind: "credit",
  name: payer.name,
  title: "Your credit",
  resets: "period",
});

const budgetBucket = (token: AccessToken): CallerBucket[] =>
  token.budget
    ? [
        {
          id: budgetBucketOf(token),
          kind: "token_budget",
          name: token.name,
          title: `The budget of your token "${token.name}"`,
          resets: token.budget.period === "month" ? "month" : "never",
        },
      ]
    : [];

export const budgetBucketOf = (token: Pick<AccessToken, "id">): string => `token:${token.id}`;
