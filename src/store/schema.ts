/** The tables as Kysely sees them, the same on both engines; each subject's stand in its folder, as `tables.ts`. */
import type { ColumnType, Transaction } from "kysely";
import type { BookTables } from "./books/tables.js";
import type { CatalogTables } from "./catalog/tables.js";
import type { Whole } from "./columns.js";
import type { LateCostTables } from "./late-costs/tables.js";
import type { LedgerTables } from "./ledger/tables.js";
import type { PaymentTables } from "./payments/tables.js";
import type { RateTables } from "./rates/tables.js";
import type { TenantTables } from "./tenants/tables.js";

export type Schema = TenantTables &
  LedgerTables &
  RateTables &
  LateCostTables &
  PaymentTables &
  CatalogTables &
  BookTables & {
    changes: {
      seq: ColumnType<bigint, never, never>;
      topic: string;
      key: string;
      node: string;
      at: Whole;
    };
    schema_version: { version: Whole };
  };

export type Tx = Transaction<Schema>;
