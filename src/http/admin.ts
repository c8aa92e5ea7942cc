/** /api/turnpike/admin/…: what the owner does. */
import { z } from "zod";
import { badRequest, RouterError } from "../kernel/errors.js";
import { newId } from "../kernel/ids.js";
import { nanoUsd, parseUsd } from "../kernel/money.js";
import { extraGrant } from "../ledger/account.js";
import { printDrift } from "../ledger/credit.js";
import { registerUser, USER_NAME, USER_NAME_RULE } from "../tenants/register.js";
import { fundsBucketOf, type User } from "../tenants/user.js";
import { printToken, printUser } from "./account.js";
import { authenticate } from "./authenticate.js";
import { readJson } from "./body.js";
import { type Handler, json, type Site } from "./parts.js";

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
  const { plan } = await readJson(visit.request, z.strictObject({ plan: z.string() }));
  requirePlan(site, plan);
  await site.tenants.setPlan(user.id, plan);
  await site.reloadUser(user.id);
  return json({ user: printUser({ ...user, plan }) });
};

export const grantCredit: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  const wanted = await readJson(
    visit.request,
    z.strictObject({
      user: z.string(),
      amount: z.string(),
      kind: z.enum(["promotional", "purchased"]),
      expires: z.iso.datetime({ offset: true }).optional(),
    }),
  );
  const user = await findUser(site, wanted.user);
  const amount = parseUsd(wanted.amount) ?? nanoUsd(0n);
  if (amount <= 0n) throw badRequest('"amount" must be dollars above zero, like "5.00".', "amount");
  const expiresAt = wanted.expires === undefined ? undefined : Date.parse(wanted.expires);
  if (expiresAt !== undefined && expiresAt <= visit.at) {
    throw badRequest('"expires" lies in the past.', "expires");
  }
  const grant = extraGrant(fundsBucketOf(user), {
    id: newId(),
    kind: wanted.kind,
    amount,
    at: visit.at,
    expiresAt,
  });
  await site.ledger.grant(grant);
  return json({ grant: { id: grant.id, amount_nano_usd: String(amount), kind: wanted.kind } }, 201);
};

const DRIFT_DAYS_MAX = 3_660;
const DAY_MS = 86_400_000;

/** Our count of what requests cost next to what providers say, over the last `days` (30). */
export const showDrift: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  const days = Number(visit.url.searchParams.get("days") ?? 30);
  if (!Number.isInteger(days) || days < 1 || days > DRIFT_DAYS_MAX) {
    throw badRequest(`"days" must be a whole number from 1 to ${DRIFT_DAYS_MAX}.`, "days");
  }
  return json(printDrift(await site.lateCosts.drift(visit.at - days * DAY_MS)));
};

export const showAudit: Handler = async (site, visit) => {
  await authenticate(site, visit, "admin");
  return json(await site.ledger.audit());
};

async function findUser(site: Site, name: string | undefined): Promise<User> {
  const user = await site.tenants.findUserByName(name ?? "");
  if (user) return user;
  throw new RouterError("not_found", `There is no user "${name}".`);
}

function requirePlan({ gateway }: Site, plan: string): void {
  if (gateway.plans.has(plan)) return;
  throw badRequest(`"plan" must be one of ${[...gateway.plans.keys()].join(", ")}.`, "plan");
}
