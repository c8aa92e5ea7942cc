/** What each node has measured of each mapping lately, for the others to read. */
import type { Tx } from "../schema.js";
import { type Engine, table } from "./tables.js";

export async function mappingStatistics(tx: Tx, engine: Engine): Promise<void> {
  await table(tx, engine, "mapping_statistics", ["node", "mapping"], {
    node: "text",
    mapping: "text",
    at: "bigint",
    sums: "text",
  });
}
