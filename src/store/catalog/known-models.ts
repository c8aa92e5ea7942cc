/** What is known of models besides who serves them, and their former names. */
import type { KnownModel, MappingStore } from "../../catalog/stored.js";
import type { Clock } from "../../kernel/clock.js";
import { recordChange } from "../changes.js";
import type { Database } from "../database.js";
import { fromKnownModel, toKnownModel } from "./mapping-rows.js";

type KnownModelStore = Pick<
  MappingStore,
  "loadKnown" | "putModels" | "putRenames" | "removeRename"
>;

/** `node` names this process in the changes it records. */
export function knownModelStore(database: Database, node: string, clock: Clock): KnownModelStore {
  const { db } = database;
  const change: Database["transact"] = (work) =>
    database.transact(async (tx) => {
      const result = await work(tx);
      await recordChange(database, tx, { topic: "models", key: "", node, at: clock.now() });
      return result;
    });
  return {
    loadKnown: async () => {
      const models = await db.selectFrom("known_models").selectAll().orderBy("id").execute();
      const renames = await db.selectFrom("model_renames").selectAll().execute();
      return {
        models: models.map(toKnownModel),
        renames: renames.map(({ from_id, to_id }) => ({ from: from_id, to: to_id })),
      };
    },
    putModels: (models) =>
      change(async (tx) => {
        for (const model of models.toSorted(byId)) {
          const { id, ...facts } = fromKnownModel(model);
          await tx
            .insertInto("known_models")
            .values({ id, ...facts })
            .onConflict((conflict) => conflict.column("id").doUpdateSet(facts))
            .execute();
        }
      }),
    putRenames: (renames, setBy) =>
      change(async (tx) => {
        for (const { from, to } of renames) {
          const row = { to_id: to, set_by: setBy, at: clock.now() };
          await tx
            .insertInto("model_renames")
            .values({ from_id: from, ...row })
            .onConflict((conflict) => conflict.column("from_id").doUpdateSet(row))
            .execute();
        }
      }),
    removeRename: (from) =>
      change(async (tx) => {
        const query = tx.deleteFrom("model_renames").where("from_id", "=", from);
        return (await query.executeTakeFirst()).numDeletedRows > 0n;
      }),
  };
}

const byId = (a: KnownModel, b: KnownModel): number => (a.id < b.id ? -1 : 1);
