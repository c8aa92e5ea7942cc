import type { Clock } from "../../kernel/clock.js";
import { assert } from "../../kernel/errors.js";
import type { Organization } from "../../tenants/organization.js";
import { lowering, recordChange } from "../changes.js";
import { type Database, lockingRow } from "../database.js";
import type { Tx } from "../schema.js";
import { toOrganization } from "./organization-rows.js";

/** One change of an organization at a time: what is counted in it (seats, owners) stays true until it is written. */
export type OrgWriter = {
  readonly database: Database;
  readonly now: () => number;
  readonly change: <Result>(
    orgId: string,
    work: (tx: Tx, org: Organization) => Promise<Result>,
  ) => Promise<Result>;
  /** Asks back, of all processes, what they have leased of a bucket that may hold less from now on. */
  readonly lowered: (tx: Tx, bucketId: string) => Promise<void>;
};

export function orgWriter(database: Database, node: string, clock: Clock): OrgWriter {
  const at = () => clock.now();
  return {
    database,
    now: at,
    change: (orgId, work) =>
      database.transact(async (tx) => {
        const query = tx.selectFrom("orgs").selectAll().where("id", "=", orgId);
        const row = await lockingRow(database, query).executeTakeFirst();
        assert(row, "an organization is never removed");
        const result = await work(tx, toOrganization(row));
        await recordChange(database, tx, { topic: "org", key: orgId, node, at: at() });
        return result;
      }),
    lowered: lowering(database, node, clock),
  };
}
