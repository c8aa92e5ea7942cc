import { type CreateTableBuilder, sql } from "kysely";
import type { Database } from "../database.js";
import type { Tx } from "../schema.js";

type Engine = Database["engine"];
type Column = "text" | "bigint" | "text?" | "bigint?";

export async function first(tx: Tx, engine: Engine): Promise<void> {
  await table(tx, engine, "users", ["id"], {
    id: "text",
    name: "text",
    role: "text",
    plan: "text",
    provider_order: "text",
    created_at: "bigint",
    disabled_at: "bigint?",
  });
  await unique(tx, "users", ["name"]);
  await table(tx, engine, "tokens", ["id"], {
    id: "text",
    user_id: "text",
    name: "text",
    hash: "text",
    mask: "text",
    scopes: "text",
    created_at: "bigint",
    expires_at: "bigint?",
    revoked_at: "bigint?",
    budget_nano_usd: "bigint?",
    budget_period: "text?",
  });
  await unique(tx, "tokens", ["hash"]);
  await index(tx, "tokens", ["user_id"]);
  await table(tx, engine, "provider_keys", ["user_id", "provider"], {
    user_id: "text",
    provider: "text",
    sealed: "text",
    mask: "text",
    created_at: "bigint",
  });
  await ledgerTables(tx, engine);
  await usageTables(tx, engine);
  await changesTable(tx, engine);
}

async function ledgerTables(tx: Tx, engine: Engine): Promise<void> {
  await table(tx, engine, "accounts", ["id"], {
    id: "text",
    kind: "text",
    grant_kind: "text?",
    bucket: "text?",
    granted: "bigint",
    balance: "bigint",
    leased: "bigint",
    opened_at: "bigint",
    expires_at: "bigint?",
  });
  await index(tx, "accounts", ["bucket"]);
  await table(tx, engine, "transfers", ["id"], {
    id: "text",
    debit: "text",
    credit: "text",
    amount: "bigint",
    code: "text",
    at: "bigint",
  });
  await table(tx, engine, "nodes", ["id"], {
    id: "text",
    opened_at: "bigint",
    segment: "bigint",
    offset: "bigint",
  });
  await table(tx, engine, "leases", ["node", "account"], {
    node: "text",
    account: "text",
    bucket: "text",
    taken: "bigint",
    returned: "bigint",
    settled: "bigint",
    recall_answered: "bigint",
  });
  await index(tx, "leases", ["bucket"]);
}

async function usageTables(tx: Tx, engine: Engine): Promise<void> {
  await table(tx, engine, "requests", ["id"], {
    id: "text",
    node: "text",
    at: "bigint",
    user_id: "text",
    token_id: "text",
    model: "text",
    task: "text",
    provider: "text",
    status: "bigint",
    outcome: "text",
    own_key: "bigint",
    input_tokens: "bigint",
    cached_input_tokens: "bigint",
    output_tokens: "bigint",
    reasoning_tokens: "bigint",
    estimated: "bigint",
    cost: "bigint",
    overrun: "bigint",
    duration_ms: "bigint",
    first_byte_ms: "bigint?",
    attempts: "bigint",
    stream: "bigint",
  });
  // Which requests are whose is kept in a table of its own, because an index costs more than the row.
  await table(tx, engine, "user_requests", ["user_id", "at", "id"], {
    id: "text",
    user_id: "text",
    at: "bigint",
    ids: "text",
  });
  await index(tx, "user_requests", ["at"]);
  const key = ["hour", "user_id", "token_id", "model", "provider", "own_key"];
  await table(tx, engine, "usage_hourly", key, {
    hour: "bigint",
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
  await index(tx, "usage_hourly", ["user_id", "hour"]);
}

/** The order of changes is what other processes follow, so its numbers must never be used twice. */
async function changesTable(tx: Tx, engine: Engine): Promise<void> {
  const seq =
    engine === "sqlite"
      ? sql`seq integer primary key autoincrement`
      : sql`seq bigint generated always as identity primary key`;
  await sql`create table changes (${seq}, topic text not null, key text not null, node text not null, at bigint not null)`.execute(
    tx,
  );
}

async function table(
  tx: Tx,
  engine: Engine,
  name: string,
  key: readonly string[],
  columns: Readonly<Record<string, Column>>,
): Promise<void> {
  let builder: CreateTableBuilder<string, string> = tx.schema.createTable(name);
  for (const [column, type] of Object.entries(columns)) {
    const isOptional = type.endsWith("?");
    builder = builder.addColumn(column, type.startsWith("text") ? "text" : "bigint", (c) =>
      isOptional ? c : c.notNull(),
    );
  }
  builder = builder.addPrimaryKeyConstraint(`${name}_key`, key as string[]);
  // Keeps rows in their key's own tree, which spares SQLite a second one.
  if (engine === "sqlite") builder = builder.modifyEnd(sql`without rowid`);
  await builder.execute();
}

const index = (tx: Tx, on: string, columns: string[]): Promise<void> =>
  tx.schema
    .createIndex(`${on}_by_${columns.join("_")}`)
    .on(on)
    .columns(columns)
    .execute();

const unique = (tx: Tx, on: string, columns: string[]): Promise<void> =>
  tx.schema
    .createIndex(`${on}_one_${columns.join("_")}`)
    .unique()
    .on(on)
    .columns(columns)
    .execute();
