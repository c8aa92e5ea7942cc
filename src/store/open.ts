import type { Database } from "./database.js";
import { migrate } from "./migrations/index.js";
import { openSqlite } from "./sqlite/open.js";

/** `postgres://…` or the path of an SQLite file; made and brought up to date, or to a version, as needed. */
export async function openStore(place: string, version?: number): Promise<Database> {
  const database = /^postgres(ql)?:\/\//.test(place)
    ? await openPostgres(place)
    : await openSqlite(place);
  await migrate(database, version);
  return database;
}

/** Its client is loaded only where it is needed, which most installations never do. */
const openPostgres = async (url: string): Promise<Database> =>
  (await import("./postgres/open.js")).openPostgres(url);
