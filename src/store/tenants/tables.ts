/** Users and organizations, what they call with, and the terms on which they pay. */
import type { ColumnType } from "kysely";
import type { MaybeWhole, OptionalWhole, Whole } from "../columns.js";

/** Limits on requests and tokens of text a minute, and on requests at once; null for none. */
type RateColumns = {
  requests_per_minute: OptionalWhole;
  tokens_per_minute: OptionalWhole;
  concurrent_requests: OptionalWhole;
};

/** What decides a payer's credit and rates. */
type Terms = RateColumns & {
  plan: string;
  spending_limit_nano_usd: MaybeWhole;
  anchor_day: Whole;
  anchor_kept_start: Whole;
  anchor_kept_end: Whole;
};

export type TenantTables = {
  users: {
    id: string;
    name: string;
    role: string;
    /** Space-separated. */
    provider_order: string;
    /** Space-separated. */
    disabled_providers: string;
    created_at: Whole;
    disabled_at: MaybeWhole;
    /** What is left then is an id, for the books. */
    deleted_at: MaybeWhole;
  } & Terms;
  tokens: {
    id: string;
    user_id: string;
    name: string;
    hash: string;
    mask: string;
    /** Space-separated. */
    scopes: string;
    created_at: Whole;
    expires_at: MaybeWhole;
    revoked_at: MaybeWhole;
    budget_nano_usd: MaybeWhole;
    budget_period: string | null;
  } & RateColumns;
  provider_keys: {
    user_id: string;
    provider: string;
    sealed: string;
    mask: string;
    created_at: Whole;
  };
  /** Of users and organizations, which share them. */
  names: { name: string; kind: string };
  orgs: {
    id: string;
    name: string;
    seats: Whole;
    /** The most that may be spent in a calendar month, credit and all. */
    limit_nano_usd: MaybeWhole;
    /** Space-separated. */
    disabled_providers: string;
    access: string;
    created_at: Whole;
    type: ColumnType<string, string | undefined, string>;
  } & Terms;
  org_members: {
    org_id: string;
    user_id: string;
    role: string;
    limit_nano_usd: MaybeWhole;
    joined_at: Whole;
  } & RateColumns;
  org_groups: {
    /** 24 hex characters. */
    id: string;
    org_id: string;
    name: string;
    limit_nano_usd: MaybeWhole;
    /** Counts where the organization's access is for chosen groups. */
    has_access: Whole;
    created_at: Whole;
  };
  org_group_members: { group_id: string; org_id: string; user_id: string };
  org_provider_keys: {
    org_id: string;
    provider: string;
    sealed: string;
    mask: string;
    created_at: Whole;
  };
  org_invitations: {
    id: string;
    org_id: string;
    user_id: string;
    role: string;
    invited_by: string;
    created_at: Whole;
    expires_at: Whole;
    state: string;
  };
};
