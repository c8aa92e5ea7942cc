import type { NanoUsd } from "../kernel/money.js";
import { fundsBucketOf, type Payer } from "./payer.js";
import { lowerable, type RateChanges, rateBucket } from "./rates.js";
import type { AccessToken, StoredProviderKey, User } from "./user.js";

/** What tenants ask of storage. Every write also records a change, so that other processes reload. */
export type TenantStore = {
  readonly loadAll: () => Promise<TenantRows>;
  /** One user with everything that is theirs; undefined when there is none. */
  readonly loadUser: (userId: string) => Promise<TenantRows | undefined>;
  readonly findUserByName: (name: string) => Promise<User | undefined>;
  /** Revoked and expired ones too. */
  readonly findTokenByHash: (hash: string) => Promise<AccessToken | undefined>;
  /** Deleted users too: their name is made up of their id. */
  readonly findUserById: (userId: string) => Promise<User | undefined>;
  readonly addUser: (user: User, token: AccessToken) => Promise<"added" | "name_taken">;
  /** Changes what a user pays by, and asks back all that is leased of their funds: it may be less from now on. */
  readonly setTerms: (userId: string, change: TermsChange) => Promise<void>;
  readonly setPreferences: (userId: string, wanted: Preferences) => Promise<void>;
  readonly addToken: (token: AccessToken) => Promise<void>;
  /** False when the user has no such live token. */
  readonly revokeToken: (userId: string, tokenId: string, at: number) => Promise<boolean>;
  /** In the place of the one there is for the provider. */
  readonly putProviderKey: (key: StoredProviderKey) => Promise<void>;
  /** False when there was none. */
  readonly deleteProviderKey: (userId: string, provider: string) => Promise<boolean>;
  /** Forgets who somebody was: name, tokens, keys, tags. The id stays, since the books name it. */
  readonly deleteUser: (userId: string, at: number) => Promise<void>;
};

/** Whom a user wants asked, and whom not. */
export type Preferences = Pick<User, "providerOrder" | "disabledProviders">;

/** What decides a payer's credit and rates, where it changes; a spending limit of null is the plan's own. */
export type TermsChange = {
  readonly plan?: string | undefined;
  readonly spendingLimit?: NanoUsd | null | undefined;
  readonly anchorDay?: number | undefined;
  readonly rates?: RateChanges | undefined;
};

/** Users with all that is theirs. */
export type TenantRows = {
  readonly users: readonly User[];
  readonly tokens: readonly AccessToken[];
  readonly providerKeys: readonly StoredProviderKey[];
};

/** The buckets that may hold less after a change of somebody's terms. */
export function loweredByTerms(payer: Payer, { plan, rates }: TermsChange): string[] {
  const funds = fundsBucketOf(payer);
  return [
    funds,
    ...(plan === undefined ? [] : [rateBucket("concurrent", "plan", funds)]),
    ...lowerable(payer.kind, payer.id, rates),
  ];
}
