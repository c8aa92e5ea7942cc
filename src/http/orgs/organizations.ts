/** /api/turnpike/orgs…: organizations, their members and seats. */
import { z } from "zod";
import { badRequest, RouterError } from "../../kernel/errors.js";
import { SEATS_MAX } from "../../kernel/limits.js";
import { printTime } from "../../kernel/print-time.js";
import {
  isAtLeast,
  memberBucketOf,
  ORG_ROLES,
  ORG_TYPES,
  type Organization,
  type OrgRole,
  tooFewSeats,
} from "../../tenants/organization.js";
import type { MemberOutcome } from "../../tenants/organization-store.js";
import { fundsBucketOf } from "../../tenants/payer.js";
import { isOperator } from "../../tenants/provider-rights.js";
import { isOrgName, ORG_NAME_RULE, registerOrganization } from "../../tenants/register.js";
import { loweredByTerms } from "../../tenants/store.js";
import { creditOf } from "../account/credits.js";
import { checkoutFor, paymentsOf } from "../account/payments.js";
import { authenticate } from "../authenticate.js";
import { readJson } from "../body.js";
import { anchorDay } from "../fields.js";
import { findUser, readTerms, requirePlan } from "../operator/admin.js";
import { type Handler, json, type Site } from "../parts.js";
import {
  enterAsOperator,
  enterOrg,
  type InOrg,
  memberNamed,
  nameOf,
  orgChanged,
} from "./org-access.js";
import { printOwnLimits } from "./print-limits.js";

export const listOrganizations: Handler = async (site, visit) => {
  const caller = await authenticate(site, visit, "read");
  const { organizations } = site.gateway.directory;
  const orgs = organizations
    .all()
    .map((org) => ({ org, role: organizations.member(org.id, caller.user.id)?.role }))
    .filter(({ role }) => role !== undefined || isOperator(caller));
  return json({
    orgs: orgs.map(({ org, role }) => ({ ...printOrganization(org), role: role ?? null })),
  });
};

export const printOrganization = (org: Organization) => ({
  id: org.id,
  name: org.name,
  plan: org.plan,
  seats: org.seats,
  type: org.type,
  anchor_day: org.anchor.day,
  created_at: printTime(org.createdAt),
});

const seats = z.int().min(1).max(SEATS_MAX);

const newSchema = z.strictObject({
  name: z.string().refine(isOrgName, { error: `must be a name: ${ORG_NAME_RULE}` }),
  plan: z.string().default("team"),
  seats: seats.default(1),
  owner: z.string().optional(),
  type: z.enum(ORG_TYPES).default("customer"),
  anchor_day: anchorDay.default(1),
});

export const addOrganization: Handler = async (site, visit) => {
  const { user } = await authenticate(site, visit, "admin");
  const wanted = await readJson(visit.request, newSchema);
  requirePlan(site, wanted.plan);
  const owner = wanted.owner === undefined ? user : await findUser(site, wanted.owner, "owner");
  const org = await registerOrganization(
    site.organizations,
    { ...wanted, ownerId: owner.id, anchorDay: wanted.anchor_day },
    visit.at,
  );
  await site.reloadOrganization(org.id);
  return json({ org: printOrganization(org) }, 201);
};

export const showOrganization: Handler = async (site, visit) => {
  const { org, user } = await enterOrg(site, visit, "read", "member");
  const { organizations } = site.gateway.directory;
  return json({
    org: printOrganization(org),
    role: organizations.member(org.id, user.id)?.role ?? null,
    members: organizations.members(org.id).length,
    own_limits: await printOwnLimits(site, org, user.id),
  });
};

export const changeOrganization: Handler = async (site, visit) => {
  const { org } = await enterAsOperator(site, visit);
  const change = await readTerms(site, visit);
  await site.organizations.setTerms(org.id, change);
  const changed = await orgChanged(site, org, loweredByTerms(org, change));
  return json({ org: printOrganization(changed) });
};

export const showOrgCredits: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "read", "member");
  return json(await creditOf(site, org));
};

/** What somebody will have paid for is an owner's to decide. */
export const startOrgCheckout: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "write", "owner");
  return json(await checkoutFor(site, visit, org), 201);
};

export const listOrgPayments: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "read", "admin");
  return json(await paymentsOf(site, fundsBucketOf(org)));
};

export const showSeats: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "read", "member");
  return json(printSeats(site, org));
};

const printSeats = (site: Site, { id, seats }: Organization) => ({
  seats,
  taken: site.gateway.directory.organizations.members(id).length,
});

export const putSeats: Handler = async (site, visit) => {
  const { org } = await enterAsOperator(site, visit);
  const wanted = await readJson(visit.request, z.strictObject({ seats }));
  const outcome = await site.organizations.setSeats(org.id, wanted.seats);
  if (outcome !== "done") throw badRequest(tooFewSeats(org.name, outcome), "seats");
  return json(printSeats(site, await orgChanged(site, org, [fundsBucketOf(org)])));
};

export const listMembers: Handler = async (site, visit) => {
  const { org } = await enterOrg(site, visit, "read", "member");
  const { organizations } = site.gateway.directory;
  const members = organizations.members(org.id).map((member) => ({
    ...printMember(site, member.userId, member.role),
    joined_at: printTime(member.joinedAt),
  }));
  return json({ members });
};

const printMember = ({ gateway }: Site, userId: string, role: OrgRole) => ({
  user: nameOf(gateway.directory.user(userId)),
  user_id: userId,
  role,
});

/** Without asking whoever it is: that is the operator's privilege, others invite. */
export const addMember: Handler = async (site, visit) => {
  const { org } = await enterAsOperator(site, visit);
  const schema = z.strictObject({ user: z.string(), role: z.enum(ORG_ROLES).default("member") });
  const wanted = await readJson(visit.request, schema);
  const user = await findUser(site, wanted.user, "user");
  const member = {
    orgId: org.id,
    userId: user.id,
    role: wanted.role,
    limit: undefined,
    joinedAt: visit.at,
  };
  const outcome = await site.organizations.addMember(member);
  if (outcome !== "done") throw cannotJoin(org, user.name, outcome);
  await orgChanged(site, org);
  return json({ member: printMember(site, user.id, wanted.role) }, 201);
};

export const cannotJoin = (
  org: Organization,
  name: string,
  why: "already" | "no_seat",
): RouterError =>
  new RouterError(
    "conflict",
    why === "already"
      ? `${name} is a member of ${org.name} already.`
      : `All ${org.seats} seats of ${org.name} are taken. An admin can take somebody out, and whoever runs this service can give it more.`,
  );

export const changeMember: Handler = async (site, visit) => {
  const place = await enterOrg(site, visit, "write", "admin");
  const { role } = await readJson(visit.request, z.strictObject({ role: z.enum(ORG_ROLES) }));
  const user = await memberNamed(site, place.org, visit.rest[1] ?? "");
  requireMayGive(place, role);
  requireMayGive(place, roleOf(site, place.org, user.id));
  refuseOutcome(place.org, await site.organizations.setRole(place.org.id, user.id, role));
  await orgChanged(site, place.org);
  return json({ member: printMember(site, user.id, role) });
};

export const removeMember: Handler = async (site, visit) => {
  const place = await enterOrg(site, visit, "write", "member");
  const user = await memberNamed(site, place.org, visit.rest[1] ?? "");
  // Everybody may leave.
  if (user.id !== place.user.id) requireMayGive(place, roleOf(site, place.org, user.id));
  refuseOutcome(place.org, await site.organizations.removeMember(place.org.id, user.id));
  const member = { orgId: place.org.id, userId: user.id };
  await orgChanged(site, place.org, [memberBucketOf(member)]);
  return json({ removed: user.name });
};

const roleOf = (site: Site, org: Organization, userId: string): OrgRole =>
  site.gateway.directory.organizations.member(org.id, userId)?.role ?? "member";

/** Nobody gives a role above their own, or takes one. */
export function requireMayGive({ role: own, org }: InOrg, role: OrgRole): void {
  if (isAtLeast(own, "admin") && isAtLeast(own, role)) return;
  throw new RouterError(
    "forbidden",
    `As ${own} of ${org.name} you cannot decide about its ${role}s.`,
  );
}

function refuseOutcome(org: Organization, outcome: MemberOutcome): void {
  if (outcome === "done") return;
  if (outcome === "last_owner") {
    throw new RouterError(
      "conflict",
      `${org.name} must have an owner, and this is the last one: make somebody else an owner first.`,
    );
  }
  throw new RouterError("not_found", `They are no member of ${org.name}.`);
}
