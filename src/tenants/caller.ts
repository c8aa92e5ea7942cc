import { CALENDAR, periodAt } from "../kernel/period.js";
import {
  type Belonging,
  budgetBuckets,
  type CallerBucket,
  creditBucket,
  limitBuckets,
} from "./caller-buckets.js";
import { memberRates, orgRates, planRates, tokenRates, userRates } from "./caller-rates.js";
import { fundsBucketOf, type Payer } from "./payer.js";
import type { Plans } from "./plan.js";
import { type CallerRates, callerRates } from "./rates.js";
import type { AccessToken, User } from "./user.js";

/** Who is calling and who pays: a live token, its user, and the payer. Made once, looked up by every request. */
export type Caller = {
  readonly user: User;
  readonly token: AccessToken;
  readonly payer: Payer;
  /** The payer's own bucket, which names it in the books. */
  readonly payerId: string;
  /** The payer as answers name it: `user:alice`, `org:acme`. */
  readonly billedTo: string;
  /** The resource group that was named; empty for none. */
  readonly groupId: string;
  /** Whose stored provider keys its requests go with. */
  readonly keyOwner: string;
  /** Providers that the payer does not allow, or the user does not want. */
  readonly disabledProviders: readonly string[];
  /** What they spend is held on all of these. */
  readonly buckets: readonly CallerBucket[];
  /** The ids of `buckets`. */
  readonly bucketIds: readonly string[];
  /** How many requests and tokens a minute they may have, and how many at once; undefined: as many as they like. */
  readonly rates: CallerRates | undefined;
};

const NO_PLANS: Plans = new Map();

/** A token's user pays. `plans` says what rates they bring. */
export const callerOf = (user: User, token: AccessToken, plans = NO_PLANS): Caller => ({
  user,
  token,
  payer: user,
  payerId: fundsBucketOf(user),
  billedTo: nameOf(user),
  groupId: "",
  keyOwner: user.id,
  disabledProviders: user.disabledProviders,
  ...heldOn([creditBucket(user, "Your credit"), ...budgetBuckets(token)]),
  rates: callerRates([planRates(user, plans), userRates(user), tokenRates(token)]),
});

/** An organization pays, within every limit it has set. */
export function callerFor({ user, token }: Caller, belonging: Belonging, plans = NO_PLANS): Caller {
  const { org, member, group } = belonging;
  return {
    user,
    token,
    payer: org,
    payerId: fundsBucketOf(org),
    billedTo: nameOf(org),
    groupId: group?.id ?? "",
    keyOwner: fundsBucketOf(org),
    disabledProviders: [...new Set([...org.disabledProviders, ...user.disabledProviders])],
    ...heldOn([
      creditBucket(org, `The credit of ${org.name}`),
      ...limitBuckets(user, belonging),
      ...budgetBuckets(token),
    ]),
    rates: callerRates([
      planRates(org, plans),
      orgRates(org),
      memberRates(member, user, org),
      userRates(user),
      tokenRates(token),
    ]),
  };
}

const nameOf = ({ kind, name }: Payer): string => `${kind}:${name}`;

/** When there is more in a bucket by itself; undefined: never. */
export function resetsAt({ payer }: Caller, bucket: CallerBucket, now: number): number | undefined {
  if (bucket.resets === "never") return undefined;
  return periodAt(bucket.resets === "month" ? CALENDAR : payer.anchor, now).end;
}

const heldOn = (buckets: readonly CallerBucket[]): Pick<Caller, "buckets" | "bucketIds"> => ({
  buckets,
  bucketIds: buckets.map(({ id }) => id),
});
