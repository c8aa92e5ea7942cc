/** What each node has measured of each mapping lately, for the others to read. */
import type { Transaction } from "kysely";
import type { Schema } from "../schema.js";
import { type Engine, table } from "./tables.js";

export async function mappingStatistics(tx: Transaction<Schema>, engine: Engine): Promise<void> {
  await table(tx, engine, "mapping_statistics", ["node", "mapping"], {
    node: "text",
    mapping: "text",
    at: "bigint",
    sums: "text",
  });
}
