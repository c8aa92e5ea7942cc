/** Who may do what in an organization. */
import { keeperOf } from "../../gateway/parts.js";
import { RouterError } from "../../kernel/errors.js";
import {
  isAtLeast,
  type Organization,
  type OrgRole,
  type ResourceGroup,
} from "../../tenants/organization.js";
import { isOperator } from "../../tenants/provider-rights.js";
import type { AccessToken, Scope, User } from "../../tenants/user.js";
import { authenticate } from "../authenticate.js";
import { notAMember } from "../inference/bill-to.js";
import type { Site, Visit } from "../parts.js";

/** Somebody who may be here, and as what. */
export type InOrg = {
  readonly user: User;
  readonly token: AccessToken;
  readonly org: Organization;
  /** The operator may do what an owner may, member or not. */
  readonly role: OrgRole;
  readonly isOperator: boolean;
};

/** The organization that the path names first, for somebody who is at least `least` there. */
export async function enterOrg(
  site: Site,
  visit: Visit,
  scope: Scope,
  least: OrgRole,
): Promise<InOrg> {
  const caller = await authenticate(site, visit, scope);
  const { organizations } = site.gateway.directory;
  const [name = ""] = visit.rest;
  const org = organizations.org(name);
  const operates = isOperator(caller);
  const role = org && (operates ? "owner" : organizations.member(org.id, caller.user.id)?.role);
  if (!org && operates) throw new RouterError("not_found", `There is no organization "${name}".`);
  if (!org || !role) throw notAMember(name);
  if (!isAtLeast(role, least)) {
    throw new RouterError("forbidden", `Only ${WHO[least]} of ${name} may do this.`);
  }
  return { ...caller, org, role, isOperator: operates };
}

const WHO: Readonly<Record<OrgRole, string>> = {
  member: "a member",
  admin: "an admin or owner",
  owner: "an owner",
};

/** The same, for what brings credit with it and is therefore the operator's to give. */
export async function enterAsOperator(site: Site, visit: Visit): Promise<InOrg> {
  const place = await enterOrg(site, visit, "write", "member");
  if (place.isOperator) return place;
  throw new RouterError(
    "forbidden",
    "Plan and seats are changed by whoever operates this service.",
  );
}

/** A user of the organization, by name. */
export async function memberNamed(site: Site, org: Organization, name: string): Promise<User> {
  const user = await site.tenants.findUserByName(name);
  if (user && site.gateway.directory.organizations.member(org.id, user.id)) return user;
  throw new RouterError("not_found", `"${name}" is no member of ${org.name}.`);
}

/** A member's user is always there; what an admin reads must not break should the news come late. */
export const nameOf = (user: { readonly name: string } | undefined): string => user?.name ?? "";

export function groupWithId(site: Site, org: Organization, id: string): ResourceGroup {
  const groups = site.gateway.directory.organizations.groups(org.id);
  const group = groups.find((each) => each.id === id);
  if (group) return group;
  throw new RouterError("not_found", `${org.name} has no resource group "${id}".`);
}

/** Takes an organization's rows into memory again, and gives back what is leased of these buckets. */
export async function orgChanged(
  site: Site,
  org: Organization,
  lowered: readonly string[] = [],
): Promise<Organization> {
  await site.reloadOrganization(org.id);
  for (const id of lowered) await keeperOf(site.gateway, id).surrender(id);
  return site.gateway.directory.organizations.org(org.name) ?? org;
}
