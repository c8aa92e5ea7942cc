/** An organization's limits, next to what was spent of each this month. */
import { printAmountOrNull } from "../../kernel/money.js";
import { CALENDAR, periodAt } from "../../kernel/period.js";
import type { MemberCharge } from "../../store/books/usage.js";
import type { Member, Organization, ResourceGroup } from "../../tenants/organization.js";
import { fundsBucketOf } from "../../tenants/payer.js";
import { printRates } from "../../tenants/rates.js";
import { printSpendingLimit } from "../account/credits.js";
import { caughtUp } from "../caught-up.js";
import type { Site } from "../parts.js";
import { nameOf } from "./org-access.js";

export async function printLimits(site: Site, org: Organization) {
  const { organizations } = site.gateway.directory;
  const spent = await spentIn(site, org);
  return {
    ...printSpendingLimit(site, org),
    limit_nano_usd: printAmountOrNull(org.limit),
    ...printSpent(spent.whole),
    ...printRates(org.rates),
    members: organizations.members(org.id).map((member) => memberLimits(site, spent, member)),
    groups: organizations.groups(org.id).map((group) => groupLimits(spent, group)),
  };
}

/** What holds for one of its members; null for the operator, who need not be one. */
export async function printOwnLimits(site: Site, org: Organization, userId: string) {
  const { organizations } = site.gateway.directory;
  const member = organizations.member(org.id, userId);
  if (!member) return null;
  const spent = await spentIn(site, org);
  const groups = organizations.groups(org.id).filter(({ memberIds }) => memberIds.has(userId));
  return {
    ...memberLimits(site, spent, member),
    groups: groups.map((group) => groupLimits(spent, group)),
  };
}

type Spent = {
  readonly whole: bigint;
  readonly byMember: ReadonlyMap<string, bigint>;
  readonly byGroup: ReadonlyMap<string, bigint>;
};

/** What was charged to an organization since the month began. */
async function spentIn(site: Site, org: Organization): Promise<Spent> {
  await caughtUp(site);
  const month = periodAt(CALENDAR, site.gateway.clock.now());
  const charges = await site.usage.chargedByMember(fundsBucketOf(org), month.start);
  const byMember = sumsBy(charges, ({ userId }) => userId);
  const byGroup = sumsBy(charges, ({ groupId }) => groupId);
  return { byMember, byGroup, whole: [...byGroup.values()].reduce((sum, one) => sum + one, 0n) };
}

const memberLimits = (site: Site, { byMember }: Spent, { userId, limit, rates }: Member) => ({
  user: nameOf(site.gateway.directory.user(userId)),
  limit_nano_usd: printAmountOrNull(limit),
  ...printSpent(byMember.get(userId)),
  ...printRates(rates),
});

const groupLimits = ({ byGroup }: Spent, { id, name, limit }: ResourceGroup) => ({
  id,
  name,
  limit_nano_usd: printAmountOrNull(limit),
  ...printSpent(byGroup.get(id)),
});

const printSpent = (charged = 0n) => ({ spent_this_month_nano_usd: String(charged) });

function sumsBy(
  charges: readonly MemberCharge[],
  keyOf: (charge: MemberCharge) => string,
): ReadonlyMap<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const charge of charges) {
    const key = keyOf(charge);
    sums.set(key, (sums.get(key) ?? 0n) + charge.charged);
  }
  return sums;
}
