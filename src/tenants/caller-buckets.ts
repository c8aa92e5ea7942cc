/** The limits on money that a caller's requests meet. */
import {
  groupBucketOf,
  type Member,
  memberBucketOf,
  type Organization,
  orgLimitBucketOf,
  type ResourceGroup,
} from "./organization.js";
import { fundsBucketOf, type Payer } from "./payer.js";
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

export type Belonging = {
  readonly org: Organization;
  readonly member: Member;
  readonly group: ResourceGroup | undefined;
};

/** What the payer has, until its period ends. `title` begins a sentence about it. */
export const creditBucket = (payer: Payer, title: string): CallerBucket => ({
  id: fundsBucketOf(payer),
  kind: "credit",
  name: payer.name,
  title,
  resets: "period",
});

/** The monthly limits that an organization has set: on itself, on a group, on a member. */
export const limitBuckets = (
  user: User,
  { org, member, group }: Belonging,
): readonly CallerBucket[] => [
  ...monthly(org.limit, {
    id: orgLimitBucketOf(org),
    kind: "org_limit",
    name: org.name,
    title: `The monthly limit of ${org.name}`,
  }),
  ...(group
    ? monthly(group.limit, {
        id: groupBucketOf(group),
        kind: "group_limit",
        name: `${org.name}/${group.name}`,
        title: `The monthly limit of the group ${org.name}/${group.name}`,
      })
    : []),
  ...monthly(member.limit, {
    id: memberBucketOf(member),
    kind: "member_limit",
    name: user.name,
    title: `Your monthly limit in ${org.name}`,
  }),
];

const monthly = (
  limit: bigint | undefined,
  bucket: Omit<CallerBucket, "resets">,
): readonly CallerBucket[] => (limit === undefined ? [] : [{ ...bucket, resets: "month" }]);

/** A token's budget, where it has one. */
export const budgetBuckets = (token: AccessToken): CallerBucket[] =>
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
