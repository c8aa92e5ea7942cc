/** Limits on requests and tokens of text a minute and on requests at once, and how much of them is leased. */
import type { Tx } from "../schema.js";
import { addColumn, type Engine, index, table } from "./tables.js";

const FIELDS = ["requests_per_minute", "tokens_per_minute", "concurrent_requests"];

export async function rates(tx: Tx, engine: Engine): Promise<void> {
  for (const limited of ["users", "orgs", "org_members", "tokens"]) {
    for (const field of FIELDS) await addColumn(tx, limited, field, "bigint");
  }
  await table(tx, engine, "rates", ["bucket"], {
    bucket: "text",
    most: "bigint",
    leased: "bigint",
    ends_at: "bigint?",
  });
  await index(tx, "rates", ["ends_at"]);
  await table(tx, engine, "rate_leases", ["bucket", "node"], {
    bucket: "text",
    node: "text",
    taken: "bigint",
    returned: "bigint",
    recall_answered: "bigint",
  });
  await index(tx, "rate_leases", ["node"]);
}
