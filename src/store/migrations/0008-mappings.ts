/** Who serves which model, at which prices over time; what is known of models, and their former names. */
import type { Tx } from "../schema.js";
import { type Engine, index, table, unique } from "./tables.js";

export async function mappings(tx: Tx, engine: Engine): Promise<void> {
  await table(tx, engine, "mappings", ["id"], {
    id: "text",
    provider: "text",
    task: "text",
    subject: "text",
    provider_model: "text",
    status: "text",
    facts: "text",
    created_at: "bigint",
    changed_at: "bigint",
  });
  await unique(tx, "mappings", ["provider", "task", "subject"]);
  await table(tx, engine, "mapping_prices", ["provider", "task", "subject", "valid_from"], {
    provider: "text",
    task: "text",
    subject: "text",
    valid_from: "bigint",
    price: "text?",
    is_free: "bigint",
    source: "text",
    set_by: "text",
    is_last: "bigint",
  });
  await index(tx, "mapping_prices", ["is_last", "provider"]);
  await table(tx, engine, "known_models", ["id"], {
    id: "text",
    pipeline_tag: "text?",
    tags: "text",
    lora_weights: "text?",
    source: "text",
    read_at: "bigint",
  });
  await table(tx, engine, "model_renames", ["from_id"], {
    from_id: "text",
    to_id: "text",
    set_by: "text",
    at: "bigint",
  });
}
