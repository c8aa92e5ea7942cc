/** What the books tell, and what keeps them small: everything about the past that is not the ledger itself. */
import type { Database } from "../database.js";
import { callCostReader } from "./call-costs.js";
import { idempotencyStore } from "./idempotency.js";
import { receiptReader } from "./receipts.js";
import { retentionStore } from "./retention.js";
import { statementReader } from "./statements.js";
import { usageReports } from "./usage-reports.js";

export type Books = ReturnType<typeof booksOf>;

export const booksOf = (database: Database) => ({
  receipts: receiptReader(database),
  statements: statementReader(database),
  usage: usageReports(database),
  callCosts: callCostReader(database),
  idempotency: idempotencyStore(database),
  retention: retentionStore(database),
});
