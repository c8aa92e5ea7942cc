import { CALENDAR, periodAt } from "../kernel/period.js";
import {
  groupBucketOf,
  type Member,
  memberBucketOf,
  type Organization,
  orgLimitBucketOf,
  type ResourceGroup,
} from "./organization.js";
import { fundsBucketOf, type Payer } from "./payer.js";
import type { Plans } from "./plan.js";
import { type CallerRates, callerRates, type RateSubject } from "./rates.js";
import type { AccessToken, User } from "./user.js";

/** One of the limits that a caller's requests meet, as people know it. */
export type CallerBucket = {
  readonly id: string;
  /** As a 402 names it. */
  readonly kind: "credit" | "token_budget" | "org_limit" | "group_limit" | "member_limit";
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

type Belonging = {
  readonly org: Organization;
  readonly member: Member;
  readonly group: ResourceGroup | undefined;
};

/** An organization pays, within every limit it has set. */
export function callerFor(
  { user, token }: Caller,
  { org, member, group }: Belonging,
  plans = NO_PLANS,
): Caller {
  const limited = (
    bucket: Omit<CallerBucket, "resets">,
    limit: bigint | undefined,
  ): CallerBucket[] => (limit === undefined ? [] : [{ ...bucket, resets: "month" }]);
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
      ...limited(
        {
          id: orgLimitBucketOf(org),
          kind: "org_limit",
          name: org.name,
          title: `The monthly limit of ${org.name}`,
        },
        org.limit,
      ),
      ...(group
        ? limited(
            {
              id: groupBucketOf(group),
              kind: "group_limit",
              name: `${org.name}/${group.name}`,
              title: `The monthly limit of the group ${org.name}/${group.name}`,
            },
            group.limit,
          )
        : []),
      ...limited(
        {
          id: memberBucketOf(member),
          kind: "member_limit",
          name: user.name,
          title: `Your monthly limit in ${org.name}`,
        },
        member.limit,
      ),
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

/** A plan's rates are counted for each of its payers. */
const planRates = (payer: Payer, plans: Plans): RateSubject => ({
  scope: "plan",
  id: fundsBucketOf(payer),
  name: payer.plan,
  title: `the plan ${payer.plan}`,
  rates: plans.get(payer.plan)?.rates,
});

const orgRates = ({ id, name, rates }: Organization): RateSubject => ({
  ...{ scope: "org", id, name, title: name, rates },
});

const memberRates = (
  { orgId, userId, rates }: Member,
  user: User,
  org: Organization,
): RateSubject => ({
  scope: "member",
  id: `${orgId}:${userId}`,
  name: user.name,
  title: `you in ${org.name}`,
  rates,
});

const userRates = ({ id, name, rates }: User): RateSubject => ({
  ...{ scope: "user", id, name, title: "you", rates },
});

const tokenRates = ({ id, name, rates }: AccessToken): RateSubject => ({
  ...{ scope: "token", id, name, title: `your token "${name}"`, rates },
});

/** When there is more in a bucket by itself; undefined: never. */
export function resetsAt({ payer }: Caller, bucket: CallerBucket, now: number): number | undefined {
  if (bucket.resets === "never") return undefined;
  return periodAt(bucket.resets === "month" ? CALENDAR : payer.anchor, now).end;
}

const heldOn = (buckets: readonly CallerBucket[]): Pick<Caller, "buckets" | "bucketIds"> => ({
  buckets,
  bucketIds: buckets.map(({ id }) => id),
});

const creditBucket = (payer: Payer, title: string): CallerBucket => ({
  id: fundsBucketOf(payer),
  kind: "credit",
  name: payer.name,
  title,
  resets: "period",
});

const budgetBuckets = (token: AccessToken): CallerBucket[] =>
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

const budgetBucketOf = (token: Pick<AccessToken, "id">): string => `token:${token.id}`;
