/** `turnpike org plan|spending-limit|limit` */
import { formatUsd } from "../kernel/money.js";
import type { Organization } from "../tenants/organization.js";
import type { User } from "../tenants/user.js";
import type { CommonOptions } from "./command.js";
import { type Local, requireOrganization, requirePlan, requireUser } from "./local.js";
import { show, UserError } from "./output.js";
import { readAmount } from "./read.js";

export type LimitOptions = CommonOptions & { readonly member?: string; readonly group?: string };

export const printOrganization = ({ id, name, plan, seats, type }: Organization) => ({
  id,
  name,
  plan,
  seats,
  type,
});

export async function changePlan(
  local: Local,
  name: string,
  plan: string,
  options: CommonOptions,
): Promise<void> {
  requirePlan(local, plan);
  const found = await requireOrganization(local, name);
  await local.organizations.setTerms(found.id, { plan });
  show(options, { org: printOrganization({ ...found, plan }) }, () => `${name} is on ${plan} now.`);
}

export async function changeSpendingLimit(
  local: Local,
  name: string,
  text: string,
  options: CommonOptions,
): Promise<void> {
  const found = await requireOrganization(local, name);
  const amount = text === "plan" ? null : readAmount("<dollars>", text);
  await local.organizations.setTerms(found.id, { spendingLimit: amount });
  const value = {
    ...printOrganization(found),
    spending_limit_nano_usd: amount === null ? null : String(amount),
  };
  show(options, { org: value }, () =>
    amount === null
      ? `What ${name} may spend beyond credit is up to the plan ${found.plan}.`
      : `${name} may spend $${formatUsd(amount)} a period beyond credit.`,
  );
}

export async function changeLimit(
  local: Local,
  name: string,
  text: string,
  options: LimitOptions,
): Promise<void> {
  const found = await requireOrganization(local, name);
  const amount = text === "none" ? null : readAmount("<dollars>", text);
  const about = await limitedBy(local, found, options);
  const one = (id: string) => new Map([[id, amount]]);
  await local.organizations.setLimits(found.id, {
    ...(about.user && { members: one(about.user.id) }),
    ...(about.group !== undefined && { groups: one(about.group) }),
    ...(!about.user && about.group === undefined && { org: amount }),
  });
  const value = { limit_nano_usd: amount === null ? null : String(amount) };
  show(options, value, () =>
    amount === null ? "No monthly limit." : `At most $${formatUsd(amount)} a calendar month.`,
  );
}

/** Whom a limit is for: a member, a group, or the organization as a whole. */
async function limitedBy(
  local: Local,
  { id, name }: Organization,
  { member, group }: LimitOptions,
): Promise<{ readonly user?: User; readonly group?: string }> {
  if (member !== undefined && group !== undefined) {
    throw new UserError("--member and --group: give one of them");
  }
  const rows = await local.organizations.load(id);
  if (group !== undefined) {
    if (rows.groups.some((each) => each.id === group)) return { group };
    throw new UserError(`--group: ${name} has no resource group "${group}"`);
  }
  if (member === undefined) return {};
  const user = await requireUser(local, member);
  if (rows.members.some(({ userId }) => userId === user.id)) return { user };
  throw new UserError(`--member: ${member} is no member of ${name}`);
}
