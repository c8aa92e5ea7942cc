/** Deleting a user: the same for the CLI and the API. */
import { RouterError } from "../kernel/errors.js";
import type { OrganizationStore } from "./organization-store.js";
import type { TenantStore } from "./store.js";
import type { User } from "./user.js";

/** What stands where the name of a deleted user stood: no name has a colon. */
export const deletedName = (userId: string): string => `deleted:${userId}`;

export const isDeleted = ({ id, name }: User): boolean => name === deletedName(id);

type Stores = { readonly tenants: TenantStore; readonly organizations: OrganizationStore };

/**
 * Forgets who somebody was, and takes them out of their organizations; the books keep their id. Returns the ids of
 * those organizations. Throws `conflict`, having changed nothing, for the owner and for the last owner of an
 * organization.
 */
export async function forgetUser(
  { tenants, organizations }: Stores,
  user: User,
  at: number,
): Promise<readonly string[]> {
  if (user.role === "owner") {
    throw new RouterError(
      "conflict",
      "The owner cannot be deleted: nobody else could run the place.",
    );
  }
  const rows = await organizations.loadAll();
  const orgs = rows.organizations.filter(({ id }) =>
    rows.members.some((member) => member.orgId === id && member.userId === user.id),
  );
  for (const org of orgs) {
    const owners = rows.members.filter(({ orgId, role }) => orgId === org.id && role === "owner");
    if (owners.length === 1 && owners[0]?.userId === user.id) throw lastOwner(user, org.name);
  }
  for (const org of orgs) {
    const outcome = await organizations.removeMember(org.id, user.id);
    if (outcome === "last_owner") throw lastOwner(user, org.name);
  }
  await tenants.deleteUser(user.id, at);
  return orgs.map(({ id }) => id);
}

const lastOwner = ({ name }: User, org: string): RouterError =>
  new RouterError(
    "conflict",
    `${name} is the last owner of ${org}: make somebody else an owner of it first.`,
  );
