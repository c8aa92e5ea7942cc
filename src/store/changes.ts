import { type Clock, HOUR_MS } from "../kernel/clock.js";
import type { Database } from "./database.js";
import type { Tx } from "./schema.js";

/**
 * What other processes must hear of: a user's or an organization's rows changed, a bucket's idle leases are asked
 * back, or all leases of one that may hold less from now on; a provider's mappings changed, or what is known of models;
 * a registered provider changed, a mapping was validated.
 */
export type ChangeTopic =
  | "user"
  | "org"
  | "recall"
  | "lowered"
  | "mappings"
  | "models"
  | "provider"
  | "validation";

export type Change = {
  readonly seq: number;
  readonly topic: ChangeTopic;
  readonly key: string;
  /** The process that made it. */
  readonly node: string;
};

/** Changes this old have been seen by every process that is alive. */
const KEPT_MS = HOUR_MS;

/** Tells every other process as soon as `tx` commits. Returns the number of the change, which grows. */
export async function recordChange(
  database: Database,
  tx: Tx,
  change: { topic: ChangeTopic; key: string; node: string; at: number },
): Promise<number> {
  await database.lockChanges(tx);
  const row = await tx
    .insertInto("changes")
    .values(change)
    .returning("seq")
    .executeTakeFirstOrThrow();
  await database.announce(tx);
  return Number(row.seq);
}

/** Asks back, of all processes, what they have leased of a bucket that may hold less once `tx` commits. */
export const lowering =
  (database: Database, node: string, clock: Pick<Clock, "now">) =>
  async (tx: Tx, bucketId: string): Promise<void> => {
    await recordChange(database, tx, { topic: "lowered", key: bucketId, node, at: clock.now() });
  };

/** Follows the changes of every process, from now on. */
export function changeFeed(database: Database) {
  return {
    latest: async (): Promise<number> => {
      const row = await database.db
        .selectFrom("changes")
        .select((e) => e.fn.max("seq").as("seq"))
        .executeTakeFirst();
      return Number(row?.seq ?? 0n);
    },
    since: async (seq: number): Promise<readonly Change[]> => {
      const rows = await database.db
        .selectFrom("changes")
        .select(["seq", "topic", "key", "node"])
        .where("seq", ">", BigInt(seq) as never)
        .orderBy("seq")
        .execute();
      return rows.map((row) => ({
        ...row,
        seq: Number(row.seq),
        topic: row.topic as ChangeTopic,
      }));
    },
    forget: async (now: number): Promise<void> => {
      await database.transact(async (tx) => {
        await tx
          .deleteFrom("changes")
          .where("at", "<", BigInt(now - KEPT_MS))
          .execute();
      });
    },
    watch: database.watch,
  };
}
