import { type Caller, callerFor } from "./caller.js";
import {
  GROUP_ID,
  isAtLeast,
  type Member,
  type Organization,
  type ResourceGroup,
} from "./organization.js";
import type { OrganizationRows } from "./organization-store.js";
import type { Plans } from "./plan.js";

/** One organization with everybody and everything in it. */
type Known = {
  readonly org: Organization;
  readonly members: ReadonlyMap<string, Member>;
  readonly groups: readonly ResourceGroup[];
};

export type Billed =
  | { readonly ok: true; readonly caller: Caller }
  /** Nobody of this name, or nobody of the caller's: from outside that is the same. */
  | { readonly ok: false; readonly why: "not_a_member" }
  | { readonly ok: false; readonly why: "no_access"; readonly org: Organization };

const NOT_A_MEMBER: Billed = { ok: false, why: "not_a_member" };

/** Every organization in memory, and who pays where one is named. */
export class OrganizationDirectory {
  private readonly known = new Map<string, Known>();
  private readonly idsByName = new Map<string, string>();
  /** By the caller who pays for themselves and the name they gave. Made anew after every change. */
  private billed = new WeakMap<Caller, Map<string, Billed>>();
  private readonly plans: Plans;

  constructor(plans: Plans) {
    this.plans = plans;
  }

  /** Takes in these rows, and forgets whatever else it knew of the organizations among them. */
  load({ organizations, members, groups }: OrganizationRows): void {
    for (const org of organizations) {
      const own = members.filter(({ orgId }) => orgId === org.id);
      this.known.set(org.id, {
        org,
        members: new Map(own.map((member) => [member.userId, member])),
        groups: groups.filter(({ orgId }) => orgId === org.id),
      });
      this.idsByName.set(org.name, org.id);
    }
    this.billed = new WeakMap();
  }

  org(name: string): Organization | undefined {
    return this.byName(name)?.org;
  }

  withId(orgId: string): Organization | undefined {
    return this.known.get(orgId)?.org;
  }

  member(orgId: string, userId: string): Member | undefined {
    return this.known.get(orgId)?.members.get(userId);
  }

  members(orgId: string): readonly Member[] {
    return [...(this.known.get(orgId)?.members.values() ?? [])];
  }

  groups(orgId: string): readonly ResourceGroup[] {
    return this.known.get(orgId)?.groups ?? [];
  }

  /** As it is named where it pays: `acme/research`. */
  groupName(groupId: string): string | undefined {
    const found = this.byGroupId(groupId);
    return found && `${found.known.org.name}/${found.group.name}`;
  }

  all(): readonly Organization[] {
    return [...this.known.values()].map(({ org }) => org);
  }

  /**
   * Who pays for a caller that names an organization (`acme`), a resource group by its id, or one by its name
   * (`acme/research`).
   */
  billTo(caller: Caller, name: string): Billed {
    const earlier = this.billed.get(caller)?.get(name);
    if (earlier) return earlier;
    const found = this.find(caller, name);
    // Names that mean nothing are not kept: there is no end of them.
    if (found.ok) {
      const kept = this.billed.get(caller) ?? new Map<string, Billed>();
      this.billed.set(caller, kept.set(name, found));
    }
    return found;
  }

  /** Whom a user may name as the payer: organizations, each followed by its groups that they are in. */
  payersFor(userId: string): readonly string[] {
    return [...this.known.values()].flatMap((known) => {
      const member = known.members.get(userId);
      if (!member || !hasAccess(known, member)) return [];
      const groups = known.groups.filter(({ memberIds }) => memberIds.has(userId));
      return [known.org.name, ...groups.map(({ name }) => `${known.org.name}/${name}`)];
    });
  }

  private find(caller: Caller, name: string): Billed {
    const named = this.orgAndGroup(name);
    const member = named?.known.members.get(caller.user.id);
    if (!named || !member) return NOT_A_MEMBER;
    const { known, group } = named;
    if (group && !group.memberIds.has(caller.user.id)) return NOT_A_MEMBER;
    if (!hasAccess(known, member)) return { ok: false, why: "no_access", org: known.org };
    const belonging = { org: known.org, member, group };
    return { ok: true, caller: callerFor(caller, belonging, this.plans) };
  }

  private orgAndGroup(
    name: string,
  ): { readonly known: Known; readonly group: ResourceGroup | undefined } | undefined {
    const whole = this.byName(name);
    if (whole) return { known: whole, group: undefined };
    if (GROUP_ID.test(name)) return this.byGroupId(name);
    const slash = name.indexOf("/");
    const known = slash < 0 ? undefined : this.byName(name.slice(0, slash));
    const group = known?.groups.find((each) => each.name === name.slice(slash + 1));
    return known && group && { known, group };
  }

  private byName(name: string): Known | undefined {
    const id = this.idsByName.get(name);
    return id === undefined ? undefined : this.known.get(id);
  }

  private byGroupId(id: string): { known: Known; group: ResourceGroup } | undefined {
    for (const known of this.known.values()) {
      const group = known.groups.find((each) => each.id === id);
      if (group) return { known, group };
    }
    return undefined;
  }
}

function hasAccess({ org, groups }: Known, { userId, role }: Member): boolean {
  if (org.access === "everyone") return true;
  if (org.access === "admins") return isAtLeast(role, "admin");
  return groups.some((group) => group.hasAccess && group.memberIds.has(userId));
}
