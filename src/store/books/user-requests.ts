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

/** `owner` is a user's id, or the bucket of the organization that paid. */
type Group = { readonly owner: string; readonly ids: string[]; newest: number };

const ORG_BUCKET = "org:";

/** Notes whose the requests of a batch are. */
export async function addUserRequests(
  database: Database,
  tx: Tx,
  settlements: readonly Settlement[],
): Promise<void> {
  const groups: Group[] = [];
  const open = new Map<string, Group>();
  const note = (owner: string, { id, at }: Settlement): void => {
    let group = open.get(owner);
    if (!group || group.ids.length === IDS_MAX) {
      group = { owner, ids: [], newest: at };
      groups.push(group);
      open.set(owner, group);
    }
    group.ids.push(id);
    if (at > group.newest) group.newest = at;
  };
  for (const settlement of settlements) {
    const { userId, payer } = settlement.profile;
    note(userId, settlement);
    if (payer.startsWith(ORG_BUCKET)) note(payer, settlement);
  }
  const rows = groups.map(({ owner, ids, newest }) => [
    ...[ids[0] ?? "", owner],
    newest,
    ids.join(" "),
  ]);
  await database.insertRows(tx, USER_REQUESTS, rows);
}

/**
 * Ids of the requests that a user made, or that an organization paid for (by its bucket), and when the newest of them
 * began: a part at a time, from the newest on.
 */
export async function* requestsOf(
  db: Kysely<Schema>,
  owner: string,
): AsyncGenerator<{ readonly ids: readonly string[]; readonly at: number }> {
  let after: { readonly at: bigint; readonly id: string } | undefined;
  for (;;) {
    let query = db.selectFrom("user_requests").selectAll().where("user_id", "=", owner);
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
