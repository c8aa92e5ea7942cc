import { hashToken, isWellFormed } from "./access-token.js";
import { type Caller, callerOf } from "./caller.js";
import { OrganizationDirectory } from "./organization-directory.js";
import type { OrganizationRows } from "./organization-store.js";
import { fundsBucketOf, type Payer } from "./payer.js";
import type { Plans } from "./plan.js";
import { type MasterKey, unseal } from "./sealing.js";
import type { TenantRows } from "./store.js";
import type { SealedKey, User } from "./user.js";

/** Why a token is not good. The caller hears only "invalid"; the operator's log may say more. */
export type Refusal = "malformed" | "unknown" | "revoked" | "expired" | "disabled";

export type Identified =
  | { readonly ok: true; readonly caller: Caller }
  | { readonly ok: false; readonly why: Refusal };

/** A stored provider key does not open: this process has another master key than the one that sealed it. */
export class WrongSecretError extends Error {
  constructor(context: string, cause: unknown) {
    super(
      `The provider key stored for ${context} cannot be opened: the secret (TURNPIKE_SECRET, or "secret" in the data folder) is not the one it was sealed under. Bring that secret back, or delete the row from provider_keys.`,
      { cause },
    );
  }
}

/** Every user, token and provider key in memory, so that a request never waits for the store to be known. */
export class Directory {
  private readonly users = new Map<string, User>();
  private readonly callersByHash = new Map<string, Caller>();
  private readonly hashesByUser = new Map<string, readonly string[]>();
  private readonly providerKeys = new Map<string, string>();
  /** Which organization registered a provider, by the provider's id. The others are the operator's. */
  readonly providerOwners = new Map<string, string>();
  readonly organizations: OrganizationDirectory;
  private readonly plans: Plans;
  private readonly masterKey: MasterKey;
  private readonly presetTokenHash: string | undefined;
  /** Of tokens that somebody has shown, so that they are not hashed each time; forgotten whenever anything changes. */
  private readonly hashesByToken = new Map<string, string>();

  /** `presetToken` is the operator's own choice of the owner's token, which need not carry our checksum. */
  constructor(masterKey: MasterKey, plans: Plans, presetToken?: string) {
    this.organizations = new OrganizationDirectory(plans);
    this.plans = plans;
    this.masterKey = masterKey;
    this.presetTokenHash = presetToken === undefined ? undefined : hashToken(presetToken);
  }

  /** Takes in these rows, and forgets whatever else it knew of the users among them. */
  load(rows: TenantRows): void {
    this.hashesByToken.clear();
    for (const user of rows.users) this.forget(user.id);
    for (const user of rows.users) this.users.set(user.id, user);
    for (const token of rows.tokens) {
      const user = this.users.get(token.userId);
      if (user) this.callersByHash.set(token.hash, callerOf(user, token, this.plans));
      const hashes = this.hashesByUser.get(token.userId) ?? [];
      this.hashesByUser.set(token.userId, [...hashes, token.hash]);
    }
    for (const key of rows.providerKeys) this.keep(key.userId, key);
  }

  /** The same for organizations. */
  loadOrganizations(rows: OrganizationRows): void {
    for (const org of rows.organizations) this.forgetKeys(fundsBucketOf(org));
    for (const key of rows.providerKeys) {
      this.keep(fundsBucketOf({ kind: "org", id: key.orgId }), key);
    }
    this.organizations.load(rows);
  }

  private keep(owner: string, { provider, sealed }: SealedKey): void {
    const context = keyContext(owner, provider);
    this.providerKeys.set(context, this.open(sealed, context));
  }

  private open(sealed: string, context: string): string {
    try {
      return unseal(sealed, context, this.masterKey);
    } catch (cause) {
      throw new WrongSecretError(context, cause);
    }
  }

  identify(token: string, now: number): Identified {
    const knownHash = this.hashesByToken.get(token);
    const hash = knownHash ?? hashToken(token);
    const caller = this.callersByHash.get(hash);
    if (caller && knownHash === undefined) this.hashesByToken.set(copyOf(token), hash);
    // Whoever is known has shown a token of ours; the others are looked at more closely.
    if (!caller) {
      const isOurs = isWellFormed(token) || hash === this.presetTokenHash;
      return { ok: false, why: isOurs ? "unknown" : "malformed" };
    }
    const { user, token: found } = caller;
    if (found.revokedAt !== undefined) return { ok: false, why: "revoked" };
    if (found.expiresAt !== undefined && found.expiresAt <= now) {
      return { ok: false, why: "expired" };
    }
    if (user.disabledAt !== undefined) return { ok: false, why: "disabled" };
    return { ok: true, caller };
  }

  /** An own key for a provider, in clear; never to be logged or shown. See `Caller.keyOwner`. */
  providerKey(owner: string, provider: string): string | undefined {
    if (this.providerKeys.size === 0) return undefined;
    return this.providerKeys.get(keyContext(owner, provider));
  }

  user(userId: string): User | undefined {
    return this.users.get(userId);
  }

  /** Everybody who can pay for requests. No person's name has a colon: a deleted user's has, and our own account's. */
  payers(): readonly Payer[] {
    const people = [...this.users.values()].filter(({ name }) => !name.includes(":"));
    return [...people, ...this.organizations.all()];
  }

  private forget(userId: string): void {
    for (const hash of this.hashesByUser.get(userId) ?? []) this.callersByHash.delete(hash);
    this.hashesByUser.delete(userId);
    this.forgetKeys(userId);
  }

  private forgetKeys(owner: string): void {
    for (const context of this.providerKeys.keys()) {
      if (context.startsWith(`${owner}/`)) this.providerKeys.delete(context);
    }
  }
}

/** A text that was cut out of a request's head keeps all of that alive. */
const copyOf = (text: string): string => Buffer.from(text).toString();

/** What a sealed key is bound to: a user by their id, or an organization by its bucket. */
export const keyContext = (owner: string, provider: string): string => `${owner}/${provider}`;
