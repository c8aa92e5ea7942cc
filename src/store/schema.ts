/**
 * The tables as Kysely sees them, the same on both engines. Every whole number is a bigint on the way out,
 * because money does not fit a double; the functions of this folder turn times and counts into numbers.
 */
import type { ColumnType, Generated } from "kysely";
import type { UsageSum } from "./books/usage-sums.js";

type Whole = ColumnType<bigint, bigint | number, bigint | number>;
/** Filled in by the database where nothing is said. */
type Preset = ColumnType<bigint, bigint | number | undefined, bigint | number>;
type MaybeWhole = ColumnType<bigint | null, bigint | number | null, bigint | number | null>;
type DefaultWhole = ColumnType<bigint, bigint | number | undefined, bigint | number>;
type RateColumn = ColumnType<
  bigint | null,
  bigint | number | null | undefined,
  bigint | number | null
>;
type LaterWhole = ColumnType<bigint | null, undefined, bigint | number | null>;

/** Limits on requests and tokens of text a minute, and on requests at once; null for none. */
type RateColumns = {
  requests_per_minute: RateColumn;
  tokens_per_minute: RateColumn;
  concurrent_requests: RateColumn;
};

/** What decides a payer's credit and rates. */
type Terms = RateColumns & {
  plan: string;
  spending_limit_nano_usd: MaybeWhole;
  anchor_day: Whole;
  anchor_kept_start: Whole;
  anchor_kept_end: Whole;
};

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

type UsageKey = {
  hour: Whole;
  payer: string;
  group_id: string;
  user_id: string;
  token_id: string;
  model: string;
  provider: string;
  own_key: Whole;
};

type UsageSums = { [Column in UsageSum]: Whole };

export type Schema = {
  users: {
    id: string;
    name: string;
    role: string;
    /** Space-separated. */
    provider_order: string;
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
    resizes: Preset;
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
    valid_ms: DefaultWhole;
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
  /** Which requests are whose: a row for each user and batch that was drained. */
  user_requests: {
    /** The first of `ids`. */
    id: string;
    user_id: string;
    /** When the newest of them began. */
    at: Whole;
    /** Space-separated, in no order. */
    ids: string;
  };
  /** Requests that are not kept any more, so that the books still add up. */
  requests_forgotten: { provider: string; requests: Whole; cost: Whole };
  /** Requests whose provider says later what they cost. */
  late_costs: {
    request: string;
    provider: string;
    provider_request: string;
    /** Ids of the buckets that pay, space-separated. */
    buckets: string;
    at: Whole;
    asks: Whole;
    /**
     * `waiting`, `billed`, `unbilled` (given up, free of charge), `void` (its request went elsewhere), `known` (a job that
     * had its result in the first answer).
     */
    state: string;
    /** For a job: how it is asked for, as JSON, and when next. */
    look: string | null;
    ask_at: MaybeWhole;
    settled_by: string | null;
    settled_at: MaybeWhole;
  };
  /** Sums by day of what we counted and what providers said. */
  cost_drift: {
    day: Whole;
    provider: string;
    requests: Whole;
    counted: Whole;
    reported: Whole;
    above: Whole;
    below: Whole;
    unbilled: Whole;
  };
  /** How much is leased of each rate's bucket: one for each minute, and one for requests at once. */
  rates: {
    bucket: string;
    most: Whole;
    /** To nodes that are there, and what nodes that are gone used of a minute. */
    leased: Whole;
    /** When its minute is over; null for requests at once. */
    ends_at: MaybeWhole;
  };
  /** Sums as those of `leases`. What was used is never told: it stays out until its minute is over. */
  rate_leases: {
    node: string;
    bucket: string;
    taken: Whole;
    returned: Whole;
    recall_answered: Whole;
  };
  /** Which process does what only one should. */
  job_turns: { job: string; node: string; until: Whole };
  /** Days that are long past have all of their sums in the hour that they begin with. */
  usage_hourly: UsageKey & UsageSums;
  /** The same once more for every tag of a request: requests without tags are not in it. */
  usage_tags_hourly: UsageKey & { tag: string } & UsageSums;
  /** What each account paid and was paid, by UTC day (days since 1970) and code of transfer. */
  account_days: {
    account: string;
    day: Whole;
    code: string;
    debited: Whole;
    credited: Whole;
  };
  /** How many calls cost about how much: `bucket` as `metering/call-costs.ts` counts them. */
  call_costs: {
    model: string;
    provider: string;
    /** Months since 1970. */
    month: Whole;
    bucket: Whole;
    calls: Whole;
  };
  /** `sums` is a JSON array, faded until `at`. */
  mapping_statistics: { node: string; mapping: string; at: Whole; sums: string };
  /** Idempotency keys in use, hashed, each with the request that used it. */
  idempotency_keys: { payer: string; key: string; request: string; at: Whole };
  /** Checkouts, and what of their price went back. No card, name or address of a buyer. */
  payments: {
    id: string;
    bucket: string;
    amount: Whole;
    state: string;
    /** The processor's ids of the checkout, and of the money's movement once that is known. */
    session_id: string;
    intent_id: string | null;
    /** The account that the payment became; null until it is paid. */
    grant_id: string | null;
    taken_back: Whole;
    lost: Whole;
    /** Reversed, and not yet taken back nor lost. */
    outstanding: Whole;
    /** Transfers made so far beside the grant's own, which numbers the next one. */
    moves: Whole;
    /** When a process last took on what is outstanding. */
    claimed_at: Whole;
    created_at: Whole;
    changed_at: Whole;
  };
  /** Refunds and lost disputes, also of payments that are not known to be paid yet. */
  payment_reversals: {
    id: string;
    intent_id: string;
    because: string;
    amount: Whole;
    /** 1: it failed, or the dispute was won after all. */
    void: Whole;
    at: Whole;
  };
  /** What providers offer, beside the starter catalog and the operator's file. */
  mappings: {
    /** 24 hex characters, as the Hub's clients know such things by. */
    id: string;
    provider: string;
    task: string;
    /** A model's id, or `tag-filter=` and tags. */
    subject: string;
    provider_model: string;
    status: string;
    /** JSON. */
    facts: string;
    created_at: Whole;
    changed_at: Whole;
  };
  /** Every price that a mapping ever had; what was removed keeps its prices. */
  mapping_prices: {
    provider: string;
    task: string;
    subject: string;
    valid_from: Whole;
    /** JSON of nano-USD per million of each unit, as text; null for none. */
    price: string | null;
    is_free: Whole;
    source: string;
    set_by: string;
    /** 1: it holds. */
    is_last: Whole;
  };
  /** What the Hub says of models, for tag filters to go by. */
  known_models: {
    id: string;
    pipeline_tag: string | null;
    /** JSON. */
    tags: string;
    lora_weights: string | null;
    source: string;
    read_at: Whole;
  };
  model_renames: { from_id: string; to_id: string; set_by: string; at: Whole };
  /** Providers that registered themselves, with the last report on each. */
  registered_providers: {
    id: string;
    org_id: string;
    name: string;
    base_url: string;
    dialect: string;
    auth_header: string;
    auth_scheme: string;
    request_id_header: string;
    billing_url: string | null;
    billing_delay_ms: Whole;
    models_url: string;
    sealed: string;
    mask: string;
    state: string;
    created_at: Whole;
    changed_at: Whole;
    /** Since it was changed last. */
    tested_at: MaybeWhole;
    has_passed: Whole;
    report: ColumnType<string | null, string | null | undefined, string | null>;
  };
  /** What was last found out about each mapping that is validated. */
  validations: {
    provider: string;
    model: string;
    task: string;
    /** What of the mapping was validated: when it changes, what was found is about another one. */
    mapping: string;
    verdict: string;
    checked_at: Whole;
    next_at: Whole;
    first_token_ms: MaybeWhole;
    tokens_per_1000s: MaybeWhole;
    /** 1 and 0; null where it is not known. */
    tools: MaybeWhole;
    structured_output: MaybeWhole;
    /** JSON: each check with its verdict. */
    checks: string;
  };
  /** The last few findings on each. */
  validation_history: {
    provider: string;
    model: string;
    task: string;
    at: Whole;
    verdict: string;
    /** The name of the check that failed; empty for none. */
    why: string;
    first_token_ms: MaybeWhole;
    tokens_per_1000s: MaybeWhole;
  };
  changes: {
    seq: ColumnType<bigint, never, never>;
    topic: string;
    key: string;
    node: string;
    at: Whole;
  };
  schema_version: { version: Whole };
};
