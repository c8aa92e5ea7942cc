/** Whose rates a caller is held to: those of plan, organization, member, user and token. */
import type { Member, Organization } from "./organization.js";
import { fundsBucketOf, type Payer } from "./payer.js";
import type { Plans } from "./plan.js";
import type { RateSubject } from "./rates.js";
import type { AccessToken, User } from "./user.js";

/** A plan's rates are counted for each of its payers. */
export const planRates = (payer: Payer, plans: Plans): RateSubject => ({
  scope: "plan",
  id: fundsBucketOf(payer),
  name: payer.plan,
  title: `the plan ${payer.plan}`,
  rates: plans.get(payer.plan)?.rates,
});

export const orgRates = ({ id, name, rates }: Organization): RateSubject => ({
  ...{ scope: "org", id, name, title: name, rates },
});

export const memberRates = (
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

export const userRates = ({ id, name, rates }: User): RateSubject => ({
  ...{ scope: "user", id, name, title: "you", rates },
});

export const tokenRates = ({ id, name, rates }: AccessToken): RateSubject => ({
  ...{ scope: "token", id, name, title: `your token "${name}"`, rates },
});
