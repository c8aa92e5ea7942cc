import { sql } from "kysely";
import type { Database } from "../database.js";
import type { Tx } from "../schema.js";
import { first } from "./0001-first.js";
import { plansAndOrganizations } from "./0002-plans-and-organizations.js";
import { payments } from "./0003-payments.js";
import { nodes } from "./0004-nodes.js";
import { costs } from "./0005-costs.js";
import { receiptsAndUsage } from "./0006-receipts-and-usage.js";
import { profiles } from "./0007-profiles.js";
import { mappings } from "./0008-mappings.js";
import { registeredProviders } from "./0009-registered-providers.js";
import { rates } from "./0010-rates.js";
import { mappingStatistics } from "./0011-mapping-statistics.js";
import { jobLooks } from "./0013-job-looks.js";
import { ownDisabledProviders } from "./0014-own-disabled-providers.js";

type Migration = (tx: Tx, engine: Database["engine"]) => Promise<void>;

/** In order; a migration's version is its place in this list, so nothing is ever inserted before the end. */
const MIGRATIONS: readonly Migration[] = [
  first,
  plansAndOrganizations,
  payments,
  nodes,
  costs,
  receiptsAndUsage,
  profiles,
  mappings,
  registeredProviders,
  mappingStatistics,
  jobLooks,
  rates,
  ownDisabledProviders,
];

/** Brings the schema to a version. Any number of processes may call it at once: one does the work. */
export async function migrate(database: Database, upTo = MIGRATIONS.length): Promise<void> {
  await database.transact(async (tx) => {
    await database.lockMigrations(tx);
    await tx.schema
      .createTable("schema_version")
      .ifNotExists()
      .addColumn("version", "bigint", (column) => column.notNull())
      .execute();
    const row = await tx.selectFrom("schema_version").select("version").executeTakeFirst();
    const version = Number(row?.version ?? 0n);
    if (version > upTo) {
      throw new Error(
        `The store has schema version ${version}, this Turnpike knows ${upTo}: use a newer Turnpike.`,
      );
    }
    if (version === upTo) return;
    for (const migration of MIGRATIONS.slice(version, upTo)) await migration(tx, database.engine);
    await sql`delete from schema_version`.execute(tx);
    await tx.insertInto("schema_version").values({ version: upTo }).execute();
  });
}
