import type { NanoUsd } from "../kernel/money.js";
import type { Payer } from "./payer.js";
import type { Rates } from "./rates.js";
import type { SealedKey } from "./user.js";

/** What members may do, in rising order: spend; run the place; decide about its money and its owners. */
export const ORG_ROLES = ["member", "admin", "owner"] as const;
export type OrgRole = (typeof ORG_ROLES)[number];

/** Whether one role may do what another one may. */
export const isAtLeast = (role: OrgRole, least: OrgRole): boolean =>
  ORG_ROLES.indexOf(role) >= ORG_ROLES.indexOf(least);

/** Who may have requests billed to the organization: its members, its admins, or members of chosen groups. */
export const ORG_ACCESS = ["everyone", "admins", "groups"] as const;
export type OrgAccess = (typeof ORG_ACCESS)[number];

/** What an organization is here for. Only a `provider` may register one. */
export const ORG_TYPES = ["customer", "provider"] as const;
export type OrgType = (typeof ORG_TYPES)[number];

/** Pays for its members where they name it. Its seats pool their credit. */
export type Organization = Payer & {
  readonly kind: "org";
  readonly type: OrgType;
  /** The most it spends in a calendar month, credit and all; undefined: no limit. */
  readonly limit: NanoUsd | undefined;
  /** Ids of providers that nothing billed to it goes to. */
  readonly disabledProviders: readonly string[];
  readonly access: OrgAccess;
  readonly createdAt: number;
};

export type Member = {
  readonly orgId: string;
  readonly userId: string;
  readonly role: OrgRole;
  /** The most they may spend of the organization's in a calendar month. */
  readonly limit: NanoUsd | undefined;
  /** What holds for what they bill to the organization. */
  readonly rates?: Rates | undefined;
  readonly joinedAt: number;
};

/** Some members who are billed together when the group is named. */
export type ResourceGroup = {
  /** 24 hex characters. */
  readonly id: string;
  readonly orgId: string;
  readonly name: string;
  /** The most that is billed to it in a calendar month. */
  readonly limit: NanoUsd | undefined;
  /** Chosen, where the organization's access is for groups. */
  readonly hasAccess: boolean;
  readonly createdAt: number;
  readonly memberIds: ReadonlySet<string>;
};

export type OrgProviderKey = SealedKey & { readonly orgId: string };

const INVITATION_STATES = ["pending", "accepted", "declined", "withdrawn"] as const;

export type Invitation = {
  readonly id: string;
  readonly orgId: string;
  readonly userId: string;
  readonly role: OrgRole;
  /** The user who invited. */
  readonly invitedBy: string;
  readonly createdAt: number;
  /** From then on it cannot be accepted. */
  readonly expiresAt: number;
  readonly state: (typeof INVITATION_STATES)[number];
};

export const orgLimitBucketOf = (org: Pick<Organization, "id">): string => `org-limit:${org.id}`;
export const groupBucketOf = (group: Pick<ResourceGroup, "id">): string => `group:${group.id}`;
export const memberBucketOf = ({ orgId, userId }: Pick<Member, "orgId" | "userId">): string =>
  `member:${orgId}:${userId}`;

/** What a resource group is known by; no organization may be called so. */
export const GROUP_ID = /^[0-9a-f]{24}$/;

/** What is said to whoever wants fewer seats than that. */
export const tooFewSeats = (name: string, members: number): string =>
  `${name} has ${members} members and needs a seat for each: take somebody out first.`;
