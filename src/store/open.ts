import type { Database } from "./database.js";
import { migrate } from "./migrations/index.js";
import { openPostgres } from "./postgres/open.js";
import { openSqlite } from "./sqlite/open.js";

/** `postgres://…` or the path of an SQLite file; made and brought up to date, or to a version, as needed. */
export async function openStore(place: string, version?: number): Promise<Database> {
  const database = /^postgres(ql)?:\/\//.test(place)
    ? openPostgres(place)
    : await openSqlite(place);
  await migrate(database, version);
  return database;
}
