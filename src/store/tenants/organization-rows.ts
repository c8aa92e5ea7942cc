/** Rows of the organizations' tables, and what they stand for. */
import type { Selectable } from "kysely";
import type {
  Invitation,
  Member,
  OrgAccess,
  Organization,
  OrgProviderKey,
  OrgRole,
  OrgType,
  ResourceGroup,
} from "../../tenants/organization.js";
import { readRates } from "../../tenants/rates.js";
import type { Schema } from "../schema.js";
import { fromRates, fromTerms, maybeAmount, toTerms, wordsIn } from "./tenant-rows.js";

export const toOrganization = (row: Selectable<Schema["orgs"]>): Organization => ({
  kind: "org",
  type: row.type as OrgType,
  id: row.id,
  name: row.name,
  seats: Number(row.seats),
  ...toTerms(row),
  limit: maybeAmount(row.limit_nano_usd),
  disabledProviders: wordsIn(row.disabled_providers),
  access: row.access as OrgAccess,
  createdAt: Number(row.created_at),
});

export const fromOrganization = (org: Organization) => ({
  id: org.id,
  type: org.type,
  name: org.name,
  seats: org.seats,
  ...fromTerms(org),
  limit_nano_usd: org.limit ?? null,
  disabled_providers: org.disabledProviders.join(" "),
  access: org.access,
  created_at: org.createdAt,
});

export const toMember = (row: Selectable<Schema["org_members"]>): Member => ({
  orgId: row.org_id,
  userId: row.user_id,
  role: row.role as OrgRole,
  limit: maybeAmount(row.limit_nano_usd),
  rates: readRates(row),
  joinedAt: Number(row.joined_at),
});

export const fromMember = (member: Member) => ({
  org_id: member.orgId,
  user_id: member.userId,
  role: member.role,
  limit_nano_usd: member.limit ?? null,
  ...fromRates(member.rates),
  joined_at: member.joinedAt,
});

export const toGroup = (
  row: Selectable<Schema["org_groups"]>,
  memberIds: ReadonlySet<string>,
): ResourceGroup => ({
  id: row.id,
  orgId: row.org_id,
  name: row.name,
  limit: maybeAmount(row.limit_nano_usd),
  hasAccess: row.has_access === 1n,
  createdAt: Number(row.created_at),
  memberIds,
});

export const fromGroup = (group: ResourceGroup) => ({
  id: group.id,
  org_id: group.orgId,
  name: group.name,
  limit_nano_usd: group.limit ?? null,
  has_access: Number(group.hasAccess),
  created_at: group.createdAt,
});

export const toOrgKey = (row: Selectable<Schema["org_provider_keys"]>): OrgProviderKey => ({
  orgId: row.org_id,
  provider: row.provider,
  sealed: row.sealed,
  mask: row.mask,
  createdAt: Number(row.created_at),
});

export const fromOrgKey = (key: OrgProviderKey) => ({
  org_id: key.orgId,
  provider: key.provider,
  sealed: key.sealed,
  mask: key.mask,
  created_at: key.createdAt,
});

export const toInvitation = (row: Selectable<Schema["org_invitations"]>): Invitation => ({
  id: row.id,
  orgId: row.org_id,
  userId: row.user_id,
  role: row.role as OrgRole,
  invitedBy: row.invited_by,
  createdAt: Number(row.created_at),
  expiresAt: Number(row.expires_at),
  state: row.state as Invitation["state"],
});

export const fromInvitation = (invitation: Invitation) => ({
  id: invitation.id,
  org_id: invitation.orgId,
  user_id: invitation.userId,
  role: invitation.role,
  invited_by: invitation.invitedBy,
  created_at: invitation.createdAt,
  expires_at: invitation.expiresAt,
  state: invitation.state,
});
