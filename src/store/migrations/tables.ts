/** Making tables the same on both engines. The first migration has its own, since what has run is not changed. */
import { type CreateTableBuilder, sql } from "kysely";
import type { Database } from "../database.js";
import type { Tx } from "../schema.js";

export type Engine = Database["engine"];
export type Column = "text" | "bigint" | "text?" | "bigint?";

export async function table(
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

/** A column more; `preset` fills it in the rows that are there, and none leaves it empty. */
export async function addColumn(
  tx: Tx,
  to: string,
  column: string,
  type: "text" | "bigint",
  preset?: string | number,
): Promise<void> {
  await tx.schema
    .alterTable(to)
    .addColumn(column, type, (c) =>
      preset === undefined ? c : c.notNull().defaultTo(sql.lit(preset)),
    )
    .execute();
}

export const unique = (tx: Tx, on: string, columns: string[]): Promise<void> =>
  tx.schema
    .createIndex(`${on}_one_${columns.join("_")}`)
    .unique()
    .on(on)
    .columns(columns)
    .execute();

export const index = (tx: Tx, on: string, columns: string[]): Promise<void> =>
  tx.schema
    .createIndex(`${on}_by_${columns.join("_")}`)
    .on(on)
    .columns(columns)
    .execute();
