/** `copy … from stdin`, which adds rows for half of what the server spends on an insert of the same. */
import type { PostgresPool, PostgresPoolClient } from "kysely";
import pg from "pg";
import type { BulkRow } from "../database.js";

/** A pool whose connections also take `copy … from stdin`, with the lines to copy as the only parameter. */
export const copyingPool = (pool: pg.Pool): PostgresPool => ({
  connect: async () => copyingClient(await pool.connect()),
  end: () => pool.end(),
});

const copyingClient = (client: pg.PoolClient): PostgresPoolClient => {
  const copying = {
    query: (text: string, parameters: readonly unknown[]) =>
      text.startsWith("copy ")
        ? copy(client, text, String(parameters[0]))
        : client.query(text, [...parameters]),
    release: () => client.release(),
  };
  // Kysely's type also asks for cursors, which nobody here uses.
  return copying as unknown as PostgresPoolClient;
};

/** What a connection of `pg` offers to a query that the server asks for lines. */
type CopyTarget = { sendCopyFromChunk(chunk: Buffer): void; endCopyFrom(): void };

/** `pg` knows the messages, but its own query answers that it has nothing to copy. */
function copy(client: pg.PoolClient, text: string, lines: string) {
  const copied = { command: "COPY", rowCount: null, rows: [] };
  return new Promise<typeof copied>((resolve, reject) => {
    const query = new pg.Query(text, (failed) => (failed ? reject(failed) : resolve(copied)));
    const handleCopyInResponse = (connection: CopyTarget): void => {
      connection.sendCopyFromChunk(Buffer.from(lines));
      connection.endCopyFrom();
    };
    client.query(Object.assign(query, { handleCopyInResponse }));
  });
}

/** Rows as `copy` reads them. */
export function copyLines(rows: readonly BulkRow[]): string {
  let lines = "";
  for (const row of rows) {
    let separator = "";
    for (const cell of row) {
      lines += separator + copyCell(cell);
      separator = "\t";
    }
    lines += "\n";
  }
  return lines;
}

function copyCell(cell: BulkRow[number]): string {
  if (cell === null) return "\\N";
  return typeof cell === "string" ? cell.replace(/[\\\t\n\r]/g, escaped) : String(cell);
}

const escaped = (char: string): string => ESCAPES[char] ?? char;
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
};
