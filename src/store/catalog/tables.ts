/** What providers offer, those that registered themselves, and what was found out about it. */
import type { ColumnType } from "kysely";
import type { MaybeWhole, Whole } from "../columns.js";

export type CatalogTables = {
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
  /** `sums` is a JSON array, faded until `at`. */
  mapping_statistics: { node: string; mapping: string; at: Whole; sums: string };
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
};
