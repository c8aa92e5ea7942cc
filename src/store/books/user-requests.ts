/**
 * Which requests are whose. An index of the requests by user and time would be changed at another place for every
 * request, which costs more than to write the request itself; so this is kept for each user and batch instead.
 */
import { type Kysely, sql } from "kysely";
import type { Settlement } from "../../ledger/store.js";
import type { BulkTable, Database } from "../database.js";
import type { Schema, Tx } from "../schema.js";

/** More than these of one batch become several rows, so that none is long. */
const IDS_MAX = 100;
const READ_AT_ONCE = 20;

const USER_REQUESTS: BulkTable = {
  table: "user_requests",
  columns: { id: "text", user_id: "text", at: "bigint", ids: "text" },
};

type Group = { readonly userId: string; readonly ids: string[]; newest: number };

/** Notes whose the requests of a batch are. */
export async function addUserRequests(
  database: Database,
  tx: Tx,
  settlements: readonly Settlement[],
): Promise<void> {
  const groups: Group[] = [];
  const open = new Map<string, Group>();
  for (const { id, profile, at } of settlements) {
    const { userId } = profile;
    let group = open.get(userId);
    if (!group || group.ids.length === IDS_MAX) {
      group = { userId, ids: [], newest: at };
      groups.push(group);
      open.set(userId, group);
    }
    group.ids.push(id);
    if (at > group.newest) group.newest = at;
  }
  const rows = groups.map(({ userId, ids, newest }) => [
    ...[ids[0] ?? "", userId],
    newest,
    ids.join(" "),
  ]);
  await database.insertRows(tx, USER_REQUESTS, rows);
}

/** Ids of a user's requests, and when the newest of them began: a part at a time, from the newest on. */
export async function* requestsOf(
  db: Kysely<Schema>,
  userId: string,
): AsyncGenerator<{ readonly ids: readonly string[]; readonly at: number }> {
  let after: { readonly at: bigint; readonly id: string } | undefined;
  for (;;) {
    let query = db.selectFrom("user_requests").selectAll().where("user_id", "=", userId);
    if (after) query = query.where(sql<boolean>`(at, id) < (${after.at}, ${after.id})`);
    const rows = await query
      .orderBy("at", "desc")
      .orderBy("id", "desc")
      .limit(READ_AT_ONCE)
      .execute();
    for (const { ids, at } of rows) yield { ids: ids.split(" "), at: Number(at) };
    after = rows.at(-1);
    if (!after) return;
  }
}
