import type { NanoUsd } from "../kernel/money.js";
import type { Payer } from "./payer.js";
import type { Rates } from "./rates.js";

export type Role = "owner" | "user";

/** Someone who may call, and who pays unless an organization is named. */
export type User = Payer & {
  readonly kind: "user";
  readonly role: Role;
  /** For `:preferred`: provider ids, best first. */
  readonly providerOrder: readonly string[];
  /** Ids of providers that are never to be asked for this user, whoever pays. */
  readonly disabledProviders: readonly string[];
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
  readonly rates?: Rates | undefined;
};

/** A provider key as stored: sealed under the master key. */
export type SealedKey = {
  readonly provider: string;
  readonly sealed: string;
  readonly mask: string;
  readonly createdAt: number;
};

/** An own provider key of a user's. */
export type StoredProviderKey = SealedKey & { readonly userId: string };
