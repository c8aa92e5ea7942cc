/** Accounts and what moves between them, what nodes lease of them, and the requests that are charged to them. */
import type { ColumnType, Generated } from "kysely";
import type { LaterWhole, MaybeWhole, PresetWhole, Whole } from "../columns.js";

type TransferRow = {
  id: string;
  debit: string;
  credit: string;
  amount: Whole;
  code: string;
  at: Whole;
};

type RequestFacts = {
  user_id: string;
  token_id: string;
  /** The bucket of whoever pays: `user:…`, `org:…`. */
  payer: string;
  /** The resource group it was billed to; empty for none. */
  group_id: string;
  model: string;
  task: string;
  provider: string;
};

type RequestMeasures = {
  at: Whole;
  stream: Whole;
  /** `name=value`, comma-separated; null for none. */
  tags: string | null;
  status: Whole;
  outcome: string;
  duration_ms: Whole;
  first_byte_ms: MaybeWhole;
  attempts: Whole;
  input_tokens: Whole;
  cached_input_tokens: Whole;
  cache_write_tokens: Whole;
  output_tokens: Whole;
  reasoning_tokens: Whole;
  estimated: Whole;
  /** JSON of what was used besides tokens; null for nearly all chat. */
  measured: string | null;
  cost: Whole;
  /** What our own count would have cost, where `cost` is the provider's word. */
  counted: MaybeWhole;
  overrun: Whole;
  /** JSON of what only its receipt tells; null where nobody noted it. */
  details: string | null;
};

export type LedgerTables = {
  accounts: {
    id: string;
    kind: string;
    grant_kind: string | null;
    bucket: string | null;
    /** What was put in, less what was taken out again. */
    granted: Whole;
    /** Credits less debits; includes what is leased. */
    balance: Whole;
    leased: Whole;
    opened_at: Whole;
    expires_at: MaybeWhole;
    /** How often `granted` has changed. */
    resizes: PresetWhole;
  };
  /** Transfers that are written out; those of settlements that could not be put shortly are among them. */
  posted_transfers: TransferRow;
  /** A view: what settlements moved, read from their own rows, with the request they are of. */
  settled_transfers: TransferRow & { request: string };
  /** A view: all of them, posted and settled. */
  transfers: TransferRow;
  /** A view: the same in sums, by UTC day (days since 1970). */
  flows: Omit<TransferRow, "id" | "at"> & { day: Whole; transfers: Whole };
  /** Every process that ever leased, with how far its spool was applied. */
  nodes: {
    id: string;
    opened_at: Whole;
    segment: Whole;
    offset: Whole;
    host: ColumnType<string, string | undefined, string>;
    /** How long it spends its leases without renewing its claim on them. */
    valid_ms: PresetWhole;
    /** Its claim was taken away. */
    fenced_at: LaterWhole;
    closed_at: LaterWhole;
  };
  /** One for each node; open until the node is fenced or closed. */
  claims: {
    node: string;
    /** Counts renewals. */
    beat: Whole;
    /** The last one by the node's own clock, for people to read. */
    beat_at: Whole;
    ended_at: LaterWhole;
  };
  /** Sums since the process began, so that repeating a statement changes nothing. */
  leases: {
    node: string;
    account: string;
    bucket: string;
    taken: Whole;
    returned: Whole;
    settled: Whole;
    recall_answered: Whole;
  };
  /** What many requests have in common: see `ledger/profile.ts`. */
  profiles: {
    id: Generated<bigint>;
    /** Tells it from others. */
    text: string;
    own_key: Whole;
    /** JSON; null where nobody noted it. */
    price: string | null;
  } & RequestFacts;
  /** Accounts that requests are charged to together, each the same. */
  purses: {
    id: Generated<bigint>;
    text: string;
  };
  purse_accounts: {
    purse: Whole;
    place: Whole;
    account: string;
    /** 1: what it is charged is owed to the provider; 0: it counts down a limit. */
    to_provider: Whole;
  };
  /** One for each request that ended. */
  settlements: {
    id: string;
    profile: Whole;
    /** The accounts that were each charged `charged`; 0 where nothing was, or the transfers are posted. */
    purse: Whole;
    /** What its settlement moved. Unlike `cost` and `overrun` it never changes. */
    charged: Whole;
    /** The same of what nobody could be charged. */
    unpaid: Whole;
  } & RequestMeasures;
  /** A view: settlements with their profiles. */
  requests: { id: string; own_key: Whole; price: string | null } & RequestFacts & RequestMeasures;
};
