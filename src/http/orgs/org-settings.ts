/** /api/turnpike/orgs/{org}/…: limits, providers, provider keys, and who may bill to the organization. */
import { z } from "zod";
import { badRequest, RouterError } from "../../kernel/errors.js";
import type { NanoUsd } from "../../kernel/money.js";
import { printTime } from "../../kernel/print-time.js";
import { keyContext } from "../../tenants/directory.js";
import {
  groupBucketOf,
  memberBucketOf,
  ORG_ACCESS,
  type Organization,
  orgLimitBucketOf,
} from "../../tenants/organization.js";
import type { LimitChanges } from "../../tenants/organization-store.js";
import { fundsBucketOf } from "../../tenants/payer.js";
import { lowerable, readRateChanges } from "../../tenants/rates.js";
import { maskProviderKey, seal } from "../../tenants/sealing.js";
import { loweredByTerms, type TermsChange } from "../../tenants/store.js";
import { knownProvider, providerKeySchema } from "../account/account.js";
import { requireWithinPlan } from "../account/credits.js";
import { readJson } from "../body.js";
import { dollars, rateChangeFields } from "../fields.js";
import { type Handler, json, type Site } from "../parts.js";
import { enterOrg, groupWithId, type InOrg, memberNamed, orgChanged } from "./org-access.js";
import { printLimits } from "./print-limits.js";

export const showLimits: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "read", "admin");
  return json(await printLimits(site, org));
};

const limitsSchema = z.strictObject({
  spending_limit: dollars.nullable().optional(),
  limit: dollars.nullable().optional(),
  members: z.record(z.string(), dollars.nullable()).default({}),
  groups: z.record(z.string(), dollars.nullable()).default({}),
  ...rateChangeFields,
  member_rates: z.record(z.string(), z.strictObject(rateChangeFields)).default({}),
});

export const putLimits: Handler = async (site, visit) => {
  const place = await enterOrg(site, visit, "write", "admin");
  const { org } = place;
  const wanted = await readJson(visit.request, limitsSchema);
  const changes = {
    org: wanted.limit,
    members: await byMemberId(site, org, wanted.members),
    groups: byGroupId(site, org, wanted.groups),
    memberRates: await byMemberId(site, org, ratesOf(wanted.member_rates)),
  };
  const spendingLimit = wanted.spending_limit;
  const terms: TermsChange = { spendingLimit, rates: readRateChanges(wanted) };
  if (spendingLimit !== undefined) checkSpendingLimit(site, place, spendingLimit);
  await site.organizations.setLimits(org.id, changes);
  if (isChange(terms)) await site.organizations.setTerms(org.id, terms);
  const lowered = [...bucketsOf(org, changes), ...loweredByTerms(org, terms)];
  return json(await printLimits(site, await orgChanged(site, org, lowered)));
};

/** What somebody will have to pay for is an owner's to allow. */
function checkSpendingLimit(
  site: Site,
  { org, role, token, isOperator }: InOrg,
  amount: NanoUsd | null,
) {
  if (isOperator) return;
  if (role !== "owner" || token.budget) {
    throw new RouterError(
      "forbidden",
      `Only an owner of ${org.name}, with a token without a budget, may set its spending limit.`,
    );
  }
  requireWithinPlan(site, org, amount, "spending_limit");
}

const isChange = ({ spendingLimit, rates = {} }: TermsChange): boolean =>
  [spendingLimit, ...Object.values(rates)].some((value) => value !== undefined);

const ratesOf = (written: z.output<typeof limitsSchema>["member_rates"]) =>
  Object.fromEntries(
    Object.entries(written).map(([name, rates]) => [name, readRateChanges(rates)]),
  );

type ByName = Readonly<Record<string, NanoUsd | null>>;

async function byMemberId<Limit>(
  site: Site,
  org: Organization,
  limits: Readonly<Record<string, Limit>>,
): Promise<Map<string, Limit>> {
  const byId = new Map<string, Limit>();
  for (const [name, limit] of Object.entries(limits)) {
    byId.set((await memberNamed(site, org, name)).id, limit);
  }
  return byId;
}

function byGroupId(site: Site, org: Organization, limits: ByName) {
  const entries = Object.entries(limits);
  return new Map(entries.map(([id, amount]) => [groupWithId(site, org, id).id, amount]));
}

const bucketsOf = (org: Organization, { members, groups, memberRates }: LimitChanges): string[] => [
  orgLimitBucketOf(org),
  ...[...(members?.keys() ?? [])].map((userId) => memberBucketOf({ orgId: org.id, userId })),
  ...[...(groups?.keys() ?? [])].map((id) => groupBucketOf({ id })),
  ...[...(memberRates ?? [])].flatMap(([userId, rates]) =>
    lowerable("member", `${org.id}:${userId}`, rates),
  ),
];

export const showProviders: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "read", "member");
  return json(printProviders(site, org));
};

const printProviders = ({ gateway }: Site, { disabledProviders }: Organization) => ({
  providers: [...gateway.providers.values()].map(({ provider }) => ({
    id: provider.id,
    name: provider.name,
    is_disabled: disabledProviders.includes(provider.id),
  })),
});

export const putProviders: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "write", "admin");
  const schema = z.strictObject({ disabled: z.array(z.string()).max(100) });
  const { disabled } = await readJson(visit.request, schema);
  const ids = [...new Set(disabled.map((id) => knownProvider(site, id)))];
  await site.organizations.setDisabledProviders(org.id, ids);
  return json(printProviders(site, await orgChanged(site, org)));
};

export const listOrgKeys: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "read", "admin");
  const { providerKeys } = await site.organizations.load(org.id);
  return json({
    provider_keys: providerKeys.map((key) => ({
      provider: key.provider,
      key: key.mask,
      created_at: printTime(key.createdAt),
    })),
  });
};

export const putOrgKey: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "write", "admin");
  const provider = knownProvider(site, visit.rest[1] ?? "");
  const { key } = await readJson(visit.request, providerKeySchema);
  const sealed = seal(key, keyContext(fundsBucketOf(org), provider), site.masterKey);
  const mask = maskProviderKey(key);
  await site.organizations.putProviderKey({
    orgId: org.id,
    provider,
    sealed,
    mask,
    createdAt: visit.at,
  });
  await orgChanged(site, org);
  return json({ provider, key: mask });
};

export const deleteOrgKey: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "write", "admin");
  const provider = visit.rest[1] ?? "";
  if (!(await site.organizations.deleteProviderKey(org.id, provider))) {
    throw new RouterError("not_found", `${org.name} has no key for "${provider}".`);
  }
  await orgChanged(site, org);
  return json({ deleted: provider });
};

export const showAccess: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "read", "member");
  return json(printAccess(site, org));
};

const printAccess = ({ gateway }: Site, { id, access }: Organization) => ({
  who: access,
  groups: gateway.directory.organizations
    .groups(id)
    .filter(({ hasAccess }) => hasAccess)
    .map((group) => group.id),
});

const accessSchema = z.strictObject({
  who: z.enum(ORG_ACCESS),
  groups: z.array(z.string()).max(1_000).optional(),
});

export const putAccess: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "write", "admin");
  const { who, groups } = await readJson(visit.request, accessSchema);
  if ((who === "groups") !== (groups !== undefined)) {
    throw badRequest(
      '"groups" lists who has access where "who" is "groups", and only there.',
      "groups",
    );
  }
  const ids = new Set((groups ?? []).map((id) => groupWithId(site, org, id).id));
  await site.organizations.setAccess(org.id, who, ids);
  return json(printAccess(site, await orgChanged(site, org)));
};
