/** The engines that the store's contracts are held on. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { postgres } from "../support/postgres.js";
import type { Engine } from "./fresh-store.js";

export function sqliteEngine(): Engine {
  const folder = mkdtempSync(join(tmpdir(), "turnpike-test-"));
  let files = 0;
  return {
    name: "SQLite",
    freshPlace: async () => join(folder, `${++files}.sqlite`),
    clean: () => rmSync(folder, { recursive: true }),
  };
}

export const postgresEngine = (): Engine => ({
  name: "Postgres",
  start: postgres,
  freshPlace: async () => (await postgres()).freshDatabase(),
  clean: () => {},
});
