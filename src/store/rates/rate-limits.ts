/** What limits rates have by now. */
import type { Plans } from "../../tenants/plan.js";
import { type RateScope, type Rates, readRateBucket, readRates } from "../../tenants/rates.js";
import { type Database, sharingRow } from "../database.js";
import type { Tx } from "../schema.js";

/** The limit of a bucket, read so that it cannot change until the transaction ends; undefined: none any more. */
export async function rateDue(
  database: Database,
  tx: Tx,
  plans: Plans,
  bucketId: string,
): Promise<number | undefined> {
  const { kind, scope, ids } = readRateBucket(bucketId);
  return (await DUE[scope](database, tx, ids, plans))?.[kind];
}

type Ids = readonly string[];

const DUE: Readonly<
  Record<
    RateScope,
    (database: Database, tx: Tx, ids: Ids, plans: Plans) => Promise<Rates | undefined>
  >
> = {
  plan: async (database, tx, [kind, id = ""], plans) => {
    const row = kind === "org" ? await orgRow(database, tx, id) : await userRow(database, tx, id);
    return row && plans.get(row.plan)?.rates;
  },
  org: async (database, tx, [id = ""]) => ratesIn(await orgRow(database, tx, id)),
  member: async (database, tx, [orgId = "", userId = ""]) => {
    const query = tx.selectFrom("org_members").selectAll().where("org_id", "=", orgId);
    return ratesIn(
      await sharingRow(database, query.where("user_id", "=", userId)).executeTakeFirst(),
    );
  },
  user: async (database, tx, [id = ""]) => ratesIn(await userRow(database, tx, id)),
  token: async (database, tx, [id = ""]) => {
    const query = tx.selectFrom("tokens").selectAll().where("id", "=", id);
    return ratesIn(await sharingRow(database, query).executeTakeFirst());
  },
};

const userRow = (database: Database, tx: Tx, id: string) =>
  sharingRow(database, tx.selectFrom("users").selectAll().where("id", "=", id)).executeTakeFirst();

const orgRow = (database: Database, tx: Tx, id: string) =>
  sharingRow(database, tx.selectFrom("orgs").selectAll().where("id", "=", id)).executeTakeFirst();

const ratesIn = (row: Parameters<typeof readRates>[0] | undefined): Rates | undefined =>
  row && readRates(row);
