/**
 * What each node has measured of each mapping lately. A row holds all that its node ever measured, faded, so writing
 * it again counts nothing twice, and a node that is gone is still heard until what it measured has faded away.
 */
import { STATISTICS_BATCH } from "../../kernel/limits.js";
import type { SharedSums } from "../../routing/statistics.js";
import type { Database } from "../database.js";

export type MappingStatisticsStore = ReturnType<typeof mappingStatisticsStore>;

export function mappingStatisticsStore(database: Database) {
  const { db } = database;
  return {
    /** Puts a node's sums in the place of those that it wrote before. */
    write: (node: string, shared: readonly SharedSums[]): Promise<void> =>
      database.transact(async (tx) => {
        for (let from = 0; from < shared.length; from += STATISTICS_BATCH) {
          const batch = shared.slice(from, from + STATISTICS_BATCH);
          await tx
            .insertInto("mapping_statistics")
            .values(batch.map((each) => ({ node, ...rowOf(each) })))
            .onConflict((conflict) =>
              conflict.columns(["node", "mapping"]).doUpdateSet((excluded) => ({
                at: excluded.ref("excluded.at"),
                sums: excluded.ref("excluded.sums"),
              })),
            )
            .execute();
        }
      }),

    /** What all other nodes measured, as far as it is newer than `after`. */
    ofOthers: async (node: string, after: number): Promise<readonly SharedSums[]> => {
      const rows = await db
        .selectFrom("mapping_statistics")
        .select(["mapping", "at", "sums"])
        .where("node", "!=", node)
        .where("at", ">", BigInt(after))
        .execute();
      return rows.map(({ mapping, at, sums }) => ({
        mapping,
        at: Number(at),
        sums: JSON.parse(sums) as readonly number[],
      }));
    },

    forget: async (before: number): Promise<void> => {
      await db.deleteFrom("mapping_statistics").where("at", "<=", BigInt(before)).execute();
    },
  };
}

/** Numbers as JSON has them come back as the same doubles. */
const rowOf = ({ mapping, at, sums }: SharedSums) => ({
  mapping,
  at,
  sums: JSON.stringify(Array.from(sums)),
});
