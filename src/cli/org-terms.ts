/** `turnpike org plan|spending-limit|limit` */
import { formatUsd, type NanoUsd } from "../kernel/money.js";
import type { Organization } from "../tenants/organization.js";
import { printRates, type RateChanges } from "../tenants/rates.js";
import type { User } from "../tenants/user.js";
import type { CommonOptions } from "./command.js";
import { type Local, requireOrganization, requirePlan, requireUser } from "./local.js";
import { show, UserError } from "./output.js";
import { saySpendingLimit } from "./plan-words.js";
import { type RateOptions, readRateChanges, requireRateChanges, sayRates } from "./rates.js";
import { readAmount } from "./read.js";

export type LimitOptions = CommonOptions &
  RateOptions & { readonly member?: string; readonly group?: string };

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
  show(options, { org: value }, () => saySpendingLimit(local, found, amount));
}

/** What may be spent, what may be asked for, or both. */
export async function changeLimits(
  local: Local,
  name: string,
  text: string | undefined,
  options: LimitOptions,
): Promise<void> {
  const found = await requireOrganization(local, name);
  const rates = text === undefined ? requireRateChanges(options) : readRateChanges(options);
  const about = await limitedBy(local, found, options);
  if (rates && about.group !== undefined)
    throw new UserError("--group: a group has no rate limits");
  const amount = text === undefined ? undefined : readLimit(text);
  if (amount !== undefined) await setMoneyLimit(local, found, about, amount);
  if (rates) await setRates(local, found, about, rates);
  const value = {
    ...(amount !== undefined && { limit_nano_usd: amount === null ? null : String(amount) }),
    ...(rates && (await ratesNow(local, found, about))),
  };
  const said = [
    ...(amount === undefined ? [] : [sayLimit(amount)]),
    ...(rates ? [sayRates(rates)] : []),
  ];
  show(options, value, () => `${said.join("; ")}.`);
}

const readLimit = (text: string): NanoUsd | null =>
  text === "none" ? null : readAmount("<dollars>", text);

const sayLimit = (amount: NanoUsd | null): string =>
  amount === null ? "No monthly limit" : `At most $${formatUsd(amount)} a calendar month`;

async function setMoneyLimit(
  { organizations }: Local,
  { id }: Organization,
  { user, group }: Limited,
  amount: NanoUsd | null,
): Promise<void> {
  const one = (of: string) => new Map([[of, amount]]);
  await organizations.setLimits(id, {
    ...(user && { members: one(user.id) }),
    ...(group !== undefined && { groups: one(group) }),
    ...(!user && group === undefined && { org: amount }),
  });
}

async function setRates(
  { organizations }: Local,
  { id }: Organization,
  { user }: Limited,
  rates: RateChanges,
): Promise<void> {
  if (!user) return organizations.setTerms(id, { rates });
  await organizations.setLimits(id, { memberRates: new Map([[user.id, rates]]) });
}

/** As the store has them. */
async function ratesNow({ organizations }: Local, { id }: Organization, { user }: Limited) {
  const rows = await organizations.load(id);
  const of = user ? rows.members.find(({ userId }) => userId === user.id) : rows.organizations[0];
  return printRates(of?.rates);
}

type Limited = { readonly user?: User; readonly group?: string };

/** Whom a limit is for: a member, a group, or the organization as a whole. */
async function limitedBy(
  local: Local,
  { id, name }: Organization,
  { member, group }: LimitOptions,
): Promise<Limited> {
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
