/** Rows of the tenants' tables, and what they stand for. */
import type { Selectable } from "kysely";
import { type NanoUsd, nanoUsd } from "../../kernel/money.js";
import { type Anchor, moveAnchor } from "../../kernel/period.js";
import type { Payer } from "../../tenants/payer.js";
import { RATE_FIELDS, RATE_KINDS, type RateChanges, readRates } from "../../tenants/rates.js";
import type { Preferences, TermsChange } from "../../tenants/store.js";
import {
  type AccessToken,
  type Budget,
  type Role,
  SCOPES,
  type Scope,
  type StoredProviderKey,
  type User,
} from "../../tenants/user.js";
import type { Schema } from "../schema.js";

export const maybeNumber = (value: bigint | null): number | undefined =>
  value === null ? undefined : Number(value);

export const maybeAmount = (value: bigint | null): NanoUsd | undefined =>
  value === null ? undefined : nanoUsd(value);

type RateField = (typeof RATE_FIELDS)[keyof typeof RATE_FIELDS];
type RateColumns = Pick<Selectable<Schema["users"]>, RateField>;

type TermsColumns = RateColumns &
  Pick<
    Selectable<Schema["users"]>,
    "plan" | "spending_limit_nano_usd" | "anchor_day" | "anchor_kept_start" | "anchor_kept_end"
  >;

/** The columns of what is named. */
export const fromRates = (
  rates: RateChanges | undefined,
): { [Field in RateField]?: number | null } =>
  Object.fromEntries(
    RATE_KINDS.flatMap((kind) => {
      const most = rates?.[kind];
      return most === undefined ? [] : [[RATE_FIELDS[kind], most]];
    }),
  );

export const toTerms = (
  row: TermsColumns,
): Pick<Payer, "plan" | "spendingLimit" | "anchor" | "rates"> => ({
  plan: row.plan,
  spendingLimit: maybeAmount(row.spending_limit_nano_usd),
  anchor: {
    day: Number(row.anchor_day),
    keptStart: Number(row.anchor_kept_start),
    keptEnd: Number(row.anchor_kept_end),
  },
  rates: readRates(row),
});

export const fromTerms = ({ plan, spendingLimit, anchor, rates }: Payer) => ({
  plan,
  spending_limit_nano_usd: spendingLimit ?? null,
  ...fromAnchor(anchor),
  ...fromRates(rates),
});

/** The columns that a change of a payer's terms writes. */
export const changedTerms = (row: TermsColumns, change: TermsChange, now: number) => ({
  ...(change.plan !== undefined && { plan: change.plan }),
  ...(change.spendingLimit !== undefined && { spending_limit_nano_usd: change.spendingLimit }),
  ...(change.anchorDay !== undefined &&
    fromAnchor(moveAnchor(toTerms(row).anchor, change.anchorDay, now))),
  ...fromRates(change.rates),
});

const fromAnchor = ({ day, keptStart, keptEnd }: Anchor) => ({
  anchor_day: day,
  anchor_kept_start: keptStart,
  anchor_kept_end: keptEnd,
});

/** A list in one column, which holds it with spaces between. */
export const wordsIn = (text: string): string[] => text.split(" ").filter(Boolean);

export const fromPreferences = ({ providerOrder, disabledProviders }: Preferences) => ({
  provider_order: providerOrder.join(" "),
  disabled_providers: disabledProviders.join(" "),
});

export const toUser = (row: Selectable<Schema["users"]>): User => ({
  kind: "user",
  id: row.id,
  name: row.name,
  role: row.role as Role,
  seats: 0,
  ...toTerms(row),
  providerOrder: wordsIn(row.provider_order),
  disabledProviders: wordsIn(row.disabled_providers),
  createdAt: Number(row.created_at),
  disabledAt: maybeNumber(row.disabled_at),
});

export const fromUser = (user: User) => ({
  id: user.id,
  name: user.name,
  role: user.role,
  ...fromTerms(user),
  ...fromPreferences(user),
  created_at: user.createdAt,
  disabled_at: user.disabledAt ?? null,
  deleted_at: null,
});

const isScope = (text: string): text is Scope => SCOPES.some((scope) => scope === text);

export const toToken = (row: Selectable<Schema["tokens"]>): AccessToken => ({
  id: row.id,
  userId: row.user_id,
  name: row.name,
  hash: row.hash,
  mask: row.mask,
  scopes: row.scopes.split(" ").filter(isScope),
  createdAt: Number(row.created_at),
  expiresAt: maybeNumber(row.expires_at),
  revokedAt: maybeNumber(row.revoked_at),
  budget: toBudget(row),
  rates: readRates(row),
});

export const toBudget = (
  row: Pick<Selectable<Schema["tokens"]>, "budget_nano_usd" | "budget_period">,
): Budget | undefined =>
  row.budget_nano_usd === null
    ? undefined
    : { amount: nanoUsd(row.budget_nano_usd), period: row.budget_period as Budget["period"] };

export const fromToken = (token: AccessToken) => ({
  id: token.id,
  user_id: token.userId,
  name: token.name,
  hash: token.hash,
  mask: token.mask,
  scopes: token.scopes.join(" "),
  created_at: token.createdAt,
  expires_at: token.expiresAt ?? null,
  revoked_at: token.revokedAt ?? null,
  budget_nano_usd: token.budget?.amount ?? null,
  budget_period: token.budget?.period ?? null,
  ...fromRates(token.rates),
});

export const toKey = (row: Selectable<Schema["provider_keys"]>): StoredProviderKey => ({
  userId: row.user_id,
  provider: row.provider,
  sealed: row.sealed,
  mask: row.mask,
  createdAt: Number(row.created_at),
});

export const fromKey = (key: StoredProviderKey) => ({
  user_id: key.userId,
  provider: key.provider,
  sealed: key.sealed,
  mask: key.mask,
  created_at: key.createdAt,
});
