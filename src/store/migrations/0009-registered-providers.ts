/** Organizations that are providers, what they registered, and what validation found out about mappings. */
import type { Tx } from "../schema.js";
import { addColumn, type Engine, table, unique } from "./tables.js";

export async function registeredProviders(tx: Tx, engine: Engine): Promise<void> {
  await addColumn(tx, "orgs", "type", "text", "customer");
  await table(tx, engine, "registered_providers", ["id"], {
    id: "text",
    org_id: "text",
    name: "text",
    base_url: "text",
    dialect: "text",
    auth_header: "text",
    auth_scheme: "text",
    request_id_header: "text",
    billing_url: "text?",
    billing_delay_ms: "bigint",
    models_url: "text",
    sealed: "text",
    mask: "text",
    state: "text",
    created_at: "bigint",
    changed_at: "bigint",
    tested_at: "bigint?",
    has_passed: "bigint",
    report: "text?",
  });
  await unique(tx, "registered_providers", ["org_id"]);
  await table(tx, engine, "validations", ["provider", "model", "task"], {
    provider: "text",
    model: "text",
    task: "text",
    mapping: "text",
    verdict: "text",
    checked_at: "bigint",
    next_at: "bigint",
    first_token_ms: "bigint?",
    tokens_per_1000s: "bigint?",
    tools: "bigint?",
    structured_output: "bigint?",
    checks: "text",
  });
  await table(tx, engine, "validation_history", ["provider", "model", "task", "at"], {
    provider: "text",
    model: "text",
    task: "text",
    at: "bigint",
    verdict: "text",
    why: "text",
    first_token_ms: "bigint?",
    tokens_per_1000s: "bigint?",
  });
}
