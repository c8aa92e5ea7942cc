import type { NanoUsd } from "../kernel/money.js";

export type Role = "owner" | "user";

/** Someone who may call. What they may spend stands in the ledger, under the bucket `payerOf(user)`. */
export type User = {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly plan: string;
  /** For `:preferred`: provider ids, best first. */
  readonly providerOrder: readonly string[];
  readonly createdAt: number;
  readonly disabledAt: number | undefined;
};

/**
 * What a token may do. `inference` calls models, `read` sees the account, `write` changes it (tokens, provider
 * keys), `admin` does what the operator may and needs an owner.
 */
export const SCOPES = ["inference", "read", "write", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

export const BUDGET_PERIODS = ["month", "total"] as const;

/** A hard limit on what one token may spend. */
export type Budget = {
  readonly amount: NanoUsd;
  /** Per calendar month (UTC), or once and for all. */
  readonly period: (typeof BUDGET_PERIODS)[number];
};

export type AccessToken = {
  readonly id: string;
  readonly userId: string;
  readonly name: string;
  readonly hash: string;
  /** The ends of the token, for people to tell one from another. */
  readonly mask: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly revokedAt: number | undefined;
  readonly budget: Budget | undefined;
};

/** An own provider key of a user's, as stored: sealed under the master key. */
export type StoredProviderKey = {
  readonly userId: string;
  readonly provider: string;
  readonly sealed: string;
  readonly mask: string;
  readonly createdAt: number;
};

/** Who is calling: a live token and its user. */
export type Caller = {
  readonly user: User;
  readonly token: AccessToken;
  /** The buckets that what they spend is held on: their funds, and the token's budget where it has one. */
  readonly bucketIds: readonly string[];
};

export const callerOf = (user: User, token: AccessToken): Caller => ({
  user,
  token,
  bucketIds: token.budget ? [fundsBucketOf(user), budgetBucketOf(token)] : [fundsBucketOf(user)],
});

export const fundsBucketOf = (user: Pick<User, "id">): string => `user:${user.id}`;
export const budgetBucketOf = (token: Pick<AccessToken, "id">): string => `token:${token.id}`;
