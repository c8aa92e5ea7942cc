/** Who may write what a provider offers, and who sees what is not live yet. */
import type { Caller } from "./caller.js";
import type { Directory } from "./directory.js";
import { isAtLeast, type OrgRole } from "./organization.js";

type Who = Pick<Caller, "user" | "token">;
type Known = Pick<Directory, "organizations" | "providerOwners">;

/** The owner of this place, with a token that may act as such. */
export const isOperator = ({ token, user }: Who): boolean =>
  user.role === "owner" && token.scopes.includes("admin");

/** The operator, and whoever is an admin or an owner of the organization that registered the provider. */
export const mayManageProvider = (known: Known, who: Who, provider: string): boolean =>
  isOperator(who) || hasRole(known, who, provider, "admin");

/** Mappings in staging are seen and called by members of that organization, and by the owner of this place. */
export const seesStaging = (known: Known, who: Pick<Caller, "user">, provider: string): boolean =>
  who.user.role === "owner" || hasRole(known, who, provider, "member");

function hasRole(
  { organizations, providerOwners }: Known,
  { user }: Pick<Caller, "user">,
  provider: string,
  least: OrgRole,
): boolean {
  const orgId = providerOwners.get(provider);
  const member = orgId === undefined ? undefined : organizations.member(orgId, user.id);
  return member !== undefined && isAtLeast(member.role, least);
}
