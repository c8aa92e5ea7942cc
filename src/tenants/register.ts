/** Making users and tokens: the same for the CLI and the API. */
import { RouterError } from "../kernel/errors.js";
import { newId } from "../kernel/ids.js";
import { NAME_CHARS_MAX } from "../kernel/limits.js";
import { anchorOn, CALENDAR } from "../kernel/period.js";
import { hashToken, maskToken, newAccessToken } from "./access-token.js";
import { GROUP_ID, type Member, type Organization, type OrgType } from "./organization.js";
import type { OrganizationStore } from "./organization-store.js";
import type { Rates } from "./rates.js";
import type { TenantStore } from "./store.js";
import { type AccessToken, type Budget, type Role, SCOPES, type Scope, type User } from "./user.js";

export const USER_NAME = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,${NAME_CHARS_MAX - 1}}$`);
export const USER_NAME_RULE = `a name is 1 to ${NAME_CHARS_MAX} letters, digits, dots, dashes and underscores, beginning with a letter or digit`;

export type NewToken = {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt?: number | undefined;
  readonly budget?: Budget | undefined;
  readonly rates?: Rates | undefined;
};

/** A token and its one and only showing. */
export type IssuedToken = { readonly token: AccessToken; readonly secret: string };

/** What every user's first token may do. */
export const DEFAULT_SCOPES: readonly Scope[] = ["inference", "read", "write"];

/** `preset` is a token the operator chose; otherwise a new one is made. */
export function issueToken(
  userId: string,
  wanted: NewToken,
  now: number,
  preset?: string,
): IssuedToken {
  const secret = preset ?? newAccessToken();
  const token: AccessToken = {
    id: newId(),
    userId,
    name: wanted.name,
    hash: hashToken(secret),
    mask: maskToken(secret),
    scopes: wanted.scopes,
    createdAt: now,
    expiresAt: wanted.expiresAt,
    revokedAt: undefined,
    budget: wanted.budget,
    rates: wanted.rates,
  };
  return { token, secret };
}

export const ORG_NAME_RULE = `${USER_NAME_RULE}, and not 24 hex characters, which are a resource group's id`;
export const isOrgName = (name: string): boolean => USER_NAME.test(name) && !GROUP_ID.test(name);

/**
 * Adds an organization, with its first owner where there is one, who takes one of its seats. Throws `conflict` when
 * the name is taken.
 */
export async function registerOrganization(
  store: OrganizationStore,
  wanted: {
    readonly name: string;
    readonly plan: string;
    readonly seats: number;
    readonly anchorDay: number;
    readonly ownerId: string | undefined;
    readonly type?: OrgType | undefined;
  },
  now: number,
): Promise<Organization> {
  const org: Organization = {
    kind: "org",
    type: wanted.type ?? "customer",
    id: newId(),
    name: wanted.name,
    plan: wanted.plan,
    seats: wanted.seats,
    spendingLimit: undefined,
    anchor: anchorOn(wanted.anchorDay),
    limit: undefined,
    disabledProviders: [],
    access: "everyone",
    createdAt: now,
  };
  const owner: Member | undefined =
    wanted.ownerId === undefined
      ? undefined
      : {
          orgId: org.id,
          userId: wanted.ownerId,
          role: "owner",
          limit: undefined,
          joinedAt: now,
        };
  if ((await store.add(org, owner)) === "name_taken") throw nameTaken(wanted.name);
  return org;
}

const nameTaken = (name: string): RouterError =>
  new RouterError("conflict", `There is a user or an organization "${name}" already.`);

/** Adds a user with a first token. Throws `conflict` when the name is taken. */
export async function registerUser(
  store: TenantStore,
  wanted: { readonly name: string; readonly plan: string; readonly role: Role },
  now: number,
  preset?: string,
): Promise<{ readonly user: User; readonly issued: IssuedToken }> {
  const user: User = {
    kind: "user",
    id: newId(),
    name: wanted.name,
    role: wanted.role,
    plan: wanted.plan,
    seats: 0,
    spendingLimit: undefined,
    anchor: CALENDAR,
    providerOrder: [],
    disabledProviders: [],
    createdAt: now,
    disabledAt: undefined,
  };
  const scopes = wanted.role === "owner" ? SCOPES : DEFAULT_SCOPES;
  const issued = issueToken(user.id, { name: "first", scopes }, now, preset);
  if ((await store.addUser(user, issued.token)) === "name_taken") {
    throw nameTaken(wanted.name);
  }
  return { user, issued };
}
