import type { Clock } from "../../kernel/clock.js";
import { lowering, recordChange } from "../changes.js";
import type { Database } from "../database.js";
import type { Tx } from "../schema.js";

/** Changes of a user, each with word of it to other processes in the same transaction. */
export type UserWriter = {
  readonly database: Database;
  readonly now: () => number;
  readonly change: <Result>(userId: string, work: (tx: Tx) => Promise<Result>) => Promise<Result>;
  /** Asks back, of all processes, what they have leased of a bucket that may hold less from now on. */
  readonly lowered: (tx: Tx, bucketId: string) => Promise<void>;
};

/** `node` names this process in the changes it records. */
export function userWriter(database: Database, node: string, clock: Clock): UserWriter {
  const at = () => clock.now();
  return {
    database,
    now: at,
    change: (userId, work) =>
      database.transact(async (tx) => {
        const result = await work(tx);
        await recordChange(database, tx, { topic: "user", key: userId, node, at: at() });
        return result;
      }),
    lowered: lowering(database, node, clock),
  };
}
