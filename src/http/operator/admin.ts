/** /api/turnpike/admin/…: what the owner does. */
import { z } from "zod";
import { DAY_MS } from "../../kernel/clock.js";
import { badRequest, RouterError } from "../../kernel/errors.js";
import { newId } from "../../kernel/ids.js";
import { printAmountOrNull } from "../../kernel/money.js";
import { extraGrant } from "../../ledger/account.js";
import { printDrift, printGrant } from "../../ledger/credit.js";
import { forgetUser, isDeleted } from "../../tenants/forget.js";
import { fundsBucketOf, type Payer } from "../../tenants/payer.js";
import { printRates, readRateChanges } from "../../tenants/rates.js";
import { registerUser, USER_NAME, USER_NAME_RULE } from "../../tenants/register.js";
import type { TermsChange } from "../../tenants/store.js";
import type { User } from "../../tenants/user.js";
import { printToken, printUser } from "../account/account.js";
import { creditOf, setUserTerms } from "../account/credits.js";
import { authenticate } from "../authenticate.js";
import { readJson } from "../body.js";
import { anchorDay, dollars, dollarsAboveZero, future, rateChangeFields } from "../fields.js";
import { type Handler, json, type Site, type Visit } from "../parts.js";
import { queryOf } from "../query.js";

export const listUsers: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  const { users } = await site.tenants.loadAll();
  return json({ users: users.map(printUser) });
};

export const addUser: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  const wanted = await readJson(
    visit.request,
    z.strictObject({
      name: z.string().regex(USER_NAME, `must be a name: ${USER_NAME_RULE}`),
      plan: z.string().default("free"),
    }),
  );
  requirePlan(site, wanted.plan);
  const { user, issued } = await registerUser(site.tenants, { ...wanted, role: "user" }, visit.at);
  await site.reloadUser(user.id);
  return json({ user: printUser(user), token: issued.secret }, 201);
};

export const showUser: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  const user = await findUser(site, visit.rest[0]);
  const rows = await site.tenants.loadUser(user.id);
  return json({ user: printUser(user), tokens: rows?.tokens.map(printToken) ?? [] });
};

export const changeUser: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  const user = await findUser(site, visit.rest[0]);
  const change = await readTerms(site, visit);
  return json({ user: printUser(await setUserTerms(site, user, change)) });
};

/** Forgets who somebody was. The books keep their id, and go on adding up. */
export const deleteUser: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  const user = await findUser(site, visit.rest[0]);
  const orgs = await forgetUser(site, user, visit.at);
  await site.reloadUser(user.id);
  for (const org of orgs) await site.reloadOrganization(org);
  return json({ deleted: user.id });
};

const termsSchema = z
  .strictObject({
    plan: z.string().optional(),
    anchor_day: anchorDay.optional(),
    spending_limit: dollars.nullable().optional(),
    ...rateChangeFields,
  })
  .refine((terms) => Object.keys(terms).length > 0, {
    message: 'give "plan", "anchor_day", "spending_limit" or a rate limit',
  });

/** A payer's terms as the operator sets them. */
export async function readTerms(site: Site, visit: Visit): Promise<TermsChange> {
  const wanted = await readJson(visit.request, termsSchema);
  if (wanted.plan !== undefined) requirePlan(site, wanted.plan);
  return {
    plan: wanted.plan,
    anchorDay: wanted.anchor_day,
    spendingLimit: wanted.spending_limit,
    rates: readRateChanges(wanted),
  };
}

export const listPlans: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  const plans = [...site.gateway.plans.values()].map((plan) => ({
    name: plan.name,
    monthly_credit_nano_usd: String(plan.monthlyCredit),
    monthly_credit_per_seat_nano_usd: String(plan.monthlyCreditPerSeat),
    extra_usage: plan.extraUsage,
    spending_limit_nano_usd: String(plan.spendingLimit),
    spending_limit_max_nano_usd: printAmountOrNull(plan.spendingLimitMax),
    price_nano_usd: String(plan.price),
    price_per_seat_nano_usd: String(plan.pricePerSeat),
    ...printRates(plan.rates),
  }));
  return json({ plans });
};

export const showCredit: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  const query = queryOf(visit, ["user", "org"]);
  const user = query.get("user") ?? undefined;
  const org = query.get("org") ?? undefined;
  return json(await creditOf(site, await findPayer(site, { user, org })));
};

export const grantCredit: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  const wanted = await readJson(
    visit.request,
    z.strictObject({
      user: z.string().optional(),
      org: z.string().optional(),
      amount: dollarsAboveZero,
      kind: z.enum(["promotional", "purchased"]),
      expires: future(visit.at).optional(),
    }),
  );
  const grant = extraGrant(fundsBucketOf(await findPayer(site, wanted)), {
    id: newId(),
    kind: wanted.kind,
    amount: wanted.amount,
    at: visit.at,
    expiresAt: wanted.expires,
  });
  await site.ledger.grant(grant);
  return json({ grant: printGrant(grant) }, 201);
};

async function findPayer(
  site: Site,
  { user, org }: { user?: string | undefined; org?: string | undefined },
): Promise<Payer> {
  if ((user === undefined) === (org === undefined)) {
    throw badRequest('Name either a "user" or an "org".', "user");
  }
  if (user !== undefined) return findUser(site, user, "user");
  const found = await site.organizations.findByName(org ?? "");
  if (found) return found;
  throw new RouterError("not_found", `There is no organization "${org}".`, { param: "org" });
}
const DRIFT_DAYS_MAX = 3_660;

/** Our count of what requests cost next to what providers say, over the last `days` (30). */
export const showDrift: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  const days = Number(queryOf(visit, ["days"]).get("days") ?? 30);
  if (!Number.isInteger(days) || days < 1 || days > DRIFT_DAYS_MAX) {
    throw badRequest(`"days" must be a whole number from 1 to ${DRIFT_DAYS_MAX}.`, "days");
  }
  return json(printDrift(await site.lateCosts.drift(visit.at - days * DAY_MS)));
};

export const showAudit: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  return json(await site.ledger.audit());
};

/** By name, or by id; `param` is the field that said so, where it was not the path. */
export async function findUser({ tenants }: Site, name = "", param?: string): Promise<User> {
  const user = (await tenants.findUserByName(name)) ?? (await tenants.findUserById(name));
  if (user && !isDeleted(user)) return user;
  throw new RouterError("not_found", `There is no user "${name}".`, param ? { param } : {});
}

export function requirePlan({ gateway }: Site, plan: string): void {
  if (gateway.plans.has(plan)) return;
  throw badRequest(`"plan" must be one of ${[...gateway.plans.keys()].join(", ")}.`, "plan");
}
