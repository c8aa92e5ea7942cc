import type { Tx } from "../schema.js";

export async function payments(tx: Tx): Promise<void> {
  await tx.schema
    .createTable("payments")
    .addColumn("id", "text", (column) => column.primaryKey().notNull())
    .addColumn("bucket", "text", (column) => column.notNull())
    .addColumn("amount", "bigint", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("session_id", "text", (column) => column.notNull().unique())
    .addColumn("intent_id", "text")
    .addColumn("grant_id", "text")
    .addColumn("taken_back", "bigint", (column) => column.notNull())
    .addColumn("lost", "bigint", (column) => column.notNull())
    .addColumn("outstanding", "bigint", (column) => column.notNull())
    .addColumn("moves", "bigint", (column) => column.notNull())
    .addColumn("claimed_at", "bigint", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("changed_at", "bigint", (column) => column.notNull())
    .execute();
  for (const column of ["bucket", "intent_id", "outstanding"]) {
    await index(tx, "payments", column);
  }
  await tx.schema
    .createTable("payment_reversals")
    .addColumn("id", "text", (column) => column.primaryKey().notNull())
    .addColumn("intent_id", "text", (column) => column.notNull())
    .addColumn("because", "text", (column) => column.notNull())
    .addColumn("amount", "bigint", (column) => column.notNull())
    .addColumn("void", "bigint", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .execute();
  await index(tx, "payment_reversals", "intent_id");
}

const index = (tx: Tx, on: string, column: string): Promise<void> =>
  tx.schema.createIndex(`${on}_by_${column}`).on(on).column(column).execute();
