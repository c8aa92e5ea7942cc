/** Terms of payers, amounts that change in the middle of a period, and who paid for a request. */
import { sql } from "kysely";
import type { Tx } from "../schema.js";
import { addColumn, type Engine, index, table, unique } from "./tables.js";

export async function plansAndOrganizations(tx: Tx, engine: Engine): Promise<void> {
  await addColumn(tx, "users", "spending_limit_nano_usd", "bigint");
  await addColumn(tx, "users", "anchor_day", "bigint", 1);
  await addColumn(tx, "users", "anchor_kept_start", "bigint", 0);
  await addColumn(tx, "users", "anchor_kept_end", "bigint", 0);
  await addColumn(tx, "accounts", "resizes", "bigint", 0);
  await addColumn(tx, "requests", "payer", "text", "");
  await addColumn(tx, "requests", "group_id", "text", "");
  await sql`update requests set payer = 'user:' || user_id`.execute(tx);
  await usageByPayer(tx, engine);
  await organizations(tx, engine);
}

async function organizations(tx: Tx, engine: Engine): Promise<void> {
  // Users and organizations share their names, since a request may name either as the one who pays.
  await table(tx, engine, "names", ["name"], { name: "text", kind: "text" });
  await sql`insert into names select name, 'user' from users`.execute(tx);
  await table(tx, engine, "orgs", ["id"], {
    id: "text",
    name: "text",
    plan: "text",
    seats: "bigint",
    spending_limit_nano_usd: "bigint?",
    anchor_day: "bigint",
    anchor_kept_start: "bigint",
    anchor_kept_end: "bigint",
    limit_nano_usd: "bigint?",
    disabled_providers: "text",
    access: "text",
    created_at: "bigint",
  });
  await unique(tx, "orgs", ["name"]);
  await table(tx, engine, "org_members", ["org_id", "user_id"], {
    org_id: "text",
    user_id: "text",
    role: "text",
    limit_nano_usd: "bigint?",
    joined_at: "bigint",
  });
  await table(tx, engine, "org_groups", ["id"], {
    id: "text",
    org_id: "text",
    name: "text",
    limit_nano_usd: "bigint?",
    has_access: "bigint",
    created_at: "bigint",
  });
  await unique(tx, "org_groups", ["org_id", "name"]);
  await table(tx, engine, "org_group_members", ["group_id", "user_id"], {
    group_id: "text",
    org_id: "text",
    user_id: "text",
  });
  await index(tx, "org_group_members", ["org_id"]);
  await table(tx, engine, "org_provider_keys", ["org_id", "provider"], {
    org_id: "text",
    provider: "text",
    sealed: "text",
    mask: "text",
    created_at: "bigint",
  });
  await table(tx, engine, "org_invitations", ["id"], {
    id: "text",
    org_id: "text",
    user_id: "text",
    role: "text",
    invited_by: "text",
    created_at: "bigint",
    expires_at: "bigint",
    state: "text",
  });
  await index(tx, "org_invitations", ["org_id"]);
  await index(tx, "org_invitations", ["user_id"]);
}

/** Who paid belongs to the key, and no engine changes a table's key in place. */
async function usageByPayer(tx: Tx, engine: Engine): Promise<void> {
  await tx.schema.alterTable("usage_hourly").renameTo("usage_hourly_before").execute();
  const key = [
    ...["hour", "payer", "group_id", "user_id", "token_id"],
    ...["model", "provider", "own_key"],
  ];
  if (engine === "postgres") {
    await sql`alter table usage_hourly_before drop constraint usage_hourly_key`.execute(tx);
  }
  await table(tx, engine, "usage_hourly", key, {
    hour: "bigint",
    payer: "text",
    group_id: "text",
    user_id: "text",
    token_id: "text",
    model: "text",
    provider: "text",
    own_key: "bigint",
    requests: "bigint",
    input_tokens: "bigint",
    output_tokens: "bigint",
    cost: "bigint",
    overrun: "bigint",
  });
  await sql`
    insert into usage_hourly
    select hour, 'user:' || user_id, '', user_id, token_id, model, provider, own_key,
      requests, input_tokens, output_tokens, cost, overrun
    from usage_hourly_before`.execute(tx);
  await tx.schema.dropTable("usage_hourly_before").execute();
  await index(tx, "usage_hourly", ["user_id", "hour"]);
  await index(tx, "usage_hourly", ["payer", "hour"]);
}
