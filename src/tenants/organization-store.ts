import type { NanoUsd } from "../kernel/money.js";
import type {
  Invitation,
  Member,
  OrgAccess,
  Organization,
  OrgProviderKey,
  OrgRole,
  ResourceGroup,
} from "./organization.js";
import type { RateChanges } from "./rates.js";
import type { TermsChange } from "./store.js";

/** Organizations with all that belongs to them, but for their invitations. */
export type OrganizationRows = {
  readonly organizations: readonly Organization[];
  readonly members: readonly Member[];
  readonly groups: readonly ResourceGroup[];
  readonly providerKeys: readonly OrgProviderKey[];
};

/** Limits to be set, by id where there are many; null takes one away. What is not named stays. */
export type LimitChanges = {
  readonly org?: NanoUsd | null | undefined;
  readonly members?: ReadonlyMap<string, NanoUsd | null>;
  readonly groups?: ReadonlyMap<string, NanoUsd | null>;
  readonly memberRates?: ReadonlyMap<string, RateChanges>;
};

export type MemberOutcome = "done" | "not_a_member" | "last_owner";

/**
 * What organizations ask of storage. Every write also records a change, so that other processes reload, and one that
 * may lower what a bucket holds asks all leases of it back.
 */
export type OrganizationStore = {
  readonly loadAll: () => Promise<OrganizationRows>;
  readonly load: (orgId: string) => Promise<OrganizationRows>;
  readonly findByName: (name: string) => Promise<Organization | undefined>;
  /** Without an owner it is the operator's to run, until somebody is made one. */
  readonly add: (org: Organization, owner: Member | undefined) => Promise<"added" | "name_taken">;
  readonly setTerms: (orgId: string, change: TermsChange) => Promise<void>;
  /** The number of members where that is more than the seats, and nothing was changed. */
  readonly setSeats: (orgId: string, seats: number) => Promise<"done" | number>;

  readonly addMember: (member: Member) => Promise<"done" | "already" | "no_seat">;
  /** `last_owner`, and nothing was changed, where nobody would be left to own it. */
  readonly setRole: (orgId: string, userId: string, role: OrgRole) => Promise<MemberOutcome>;
  /** Also out of all groups. */
  readonly removeMember: (orgId: string, userId: string) => Promise<MemberOutcome>;

  /** A limit that is new counts what was spent this month already, as far as the store has heard. */
  readonly setLimits: (orgId: string, changes: LimitChanges) => Promise<void>;
  readonly setDisabledProviders: (orgId: string, providers: readonly string[]) => Promise<void>;
  /** `groupIds`: those that have access, where it is for groups; no other has it then. */
  readonly setAccess: (
    orgId: string,
    access: OrgAccess,
    groupIds: ReadonlySet<string>,
  ) => Promise<void>;
  /** In the place of the one there is for the provider. */
  readonly putProviderKey: (key: OrgProviderKey) => Promise<void>;
  /** False when there was none. */
  readonly deleteProviderKey: (orgId: string, provider: string) => Promise<boolean>;

  readonly addGroup: (group: ResourceGroup) => Promise<"done" | "name_taken">;
  readonly renameGroup: (
    orgId: string,
    groupId: string,
    name: string,
  ) => Promise<"done" | "name_taken">;
  /** Its members stay what they are in the organization. */
  readonly removeGroup: (orgId: string, groupId: string) => Promise<void>;
  readonly addToGroup: (
    orgId: string,
    groupId: string,
    userId: string,
  ) => Promise<"done" | "not_a_member">;
  /** False when they were not in it. */
  readonly removeFromGroup: (orgId: string, groupId: string, userId: string) => Promise<boolean>;

  readonly invite: (
    invitation: Invitation,
  ) => Promise<"done" | "already_member" | "already_invited">;
  /** Of an organization, or for a user: newest first, answered and expired ones too. */
  readonly invitationsOf: (orgId: string) => Promise<readonly Invitation[]>;
  readonly invitationsFor: (userId: string) => Promise<readonly Invitation[]>;
  /** Makes the invited user a member, or not; undefined when there is no such invitation for them. */
  readonly answerInvitation: (
    userId: string,
    id: string,
    accepts: boolean,
  ) => Promise<InvitationOutcome | undefined>;
  /** False when there is no such invitation that waits for an answer. */
  readonly withdrawInvitation: (orgId: string, id: string) => Promise<boolean>;
};

export type InvitationOutcome = {
  readonly what: "done" | "expired" | "answered" | "already" | "no_seat";
  readonly invitation: Invitation;
};
