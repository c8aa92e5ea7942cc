/** An organization's limits, next to what was spent of each this month. */
import { printAmountOrNull } from "../../kernel/money.js";
import { CALENDAR, periodAt } from "../../kernel/period.js";
import type { MemberCharge } from "../../store/books/usage.js";
import type { Organization } from "../../tenants/organization.js";
import { fundsBucketOf } from "../../tenants/payer.js";
import { printRates } from "../../tenants/rates.js";
import { printSpendingLimit } from "../account/credits.js";
import { caughtUp } from "../caught-up.js";
import type { Site } from "../parts.js";
import { nameOf } from "./organizations.js";

export async function printLimits(site: Site, org: Organization) {
  const { directory, clock } = site.gateway;
  const { organizations } = directory;
  await caughtUp(site);
  const month = periodAt(CALENDAR, clock.now());
  const charges = await site.usage.chargedByMember(fundsBucketOf(org), month.start);
  const byMember = sumsBy(charges, ({ userId }) => userId);
  const byGroup = sumsBy(charges, ({ groupId }) => groupId);
  const whole = [...byGroup.values()].reduce((sum, charged) => sum + charged, 0n);
  const spent = (charged = 0n) => ({ spent_this_month_nano_usd: String(charged) });
  return {
    ...printSpendingLimit(site, org),
    limit_nano_usd: printAmountOrNull(org.limit),
    ...spent(whole),
    ...printRates(org.rates),
    members: organizations.members(org.id).map(({ userId, limit, rates }) => ({
      user: nameOf(directory.user(userId)),
      limit_nano_usd: printAmountOrNull(limit),
      ...spent(byMember.get(userId)),
      ...printRates(rates),
    })),
    groups: organizations.groups(org.id).map(({ id, name, limit }) => ({
      id,
      name,
      limit_nano_usd: printAmountOrNull(limit),
      ...spent(byGroup.get(id)),
    })),
  };
}

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
