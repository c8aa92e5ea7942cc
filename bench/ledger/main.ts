/** `npm run bench -- ledger`: what the ledger does in a second. */
import { join } from "node:path";
import { benchParts, type Line } from "../measure/parts.js";
import type { Options } from "../options.js";
import type { PartName } from "./parts.js";

const LINES: Readonly<Record<PartName, Line>> = {
  holds: { what: "hold and settle, two buckets, in memory", unit: "pairs/s", bar: 300_000 },
  sqlite: { what: "settlements drained into SQLite", unit: "rows/s", bar: 100_000 },
  postgres: { what: "settlements drained into Postgres", unit: "rows/s", bar: 30_000 },
  audit: { what: "audit of 1,000,000 transfers in SQLite", unit: "s", bar: 20, isAtMost: true },
};

/** Returns the exit code: 1 when a bar is missed. */
export const benchLedger = (options: Options): Promise<number> =>
  benchParts(options, {
    ...{ name: "ledger", title: "the ledger", lines: LINES },
    script: join(import.meta.dir, "parts.ts"),
  });
