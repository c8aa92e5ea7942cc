/** How many calls of each mapping cost about how much, by month: so that nobody has to read the requests. */
import { monthNumber } from "../../kernel/period.js";
import type { Settlement } from "../../ledger/store.js";
import { type CostClass, costClass } from "../../metering/call-costs.js";
import type { Database, SumTable } from "../database.js";
import type { Alike } from "../ledger/alike.js";
import type { Tx } from "../schema.js";
import { Sums } from "../sums.js";

const CALL_COSTS: SumTable = {
  table: "call_costs",
  columns: { model: "text", provider: "text", month: "bigint", bucket: "bigint" },
  key: ["model", "provider", "month", "bucket"],
  sums: ["calls"],
};

/** Of answers that came to their end and cost something. A cost that is told later counts as it was first counted. */
export async function addCallCosts(
  database: Database,
  tx: Tx,
  groups: readonly Alike[],
): Promise<void> {
  const sums = new Sums(CALL_COSTS);
  for (const { profile, hour, settlements } of groups) {
    for (const [bucket, calls] of classesOf(settlements)) {
      sums.add([profile.model, profile.provider, monthNumber(hour), bucket], [calls]);
    }
  }
  await sums.write(database, tx);
}

function classesOf(settlements: readonly Settlement[]): ReadonlyMap<number, number> {
  const classes = new Map<number, number>();
  for (const { cost, outcome } of settlements) {
    if (outcome !== "served" || cost <= 0n) continue;
    const bucket = costClass(cost);
    classes.set(bucket, (classes.get(bucket) ?? 0) + 1);
  }
  return classes;
}

export const callCostReader = ({ db }: Database) => ({
  /** By provider, what calls of a model cost in the month of `at` and in the one before. */
  ofModel: async (model: string, at: number): Promise<ReadonlyMap<string, CostClass[]>> => {
    const rows = await db
      .selectFrom("call_costs")
      .select(["provider", "bucket", "calls"])
      .where("model", "=", model)
      .where("month", ">=", BigInt(monthNumber(at) - 1))
      .execute();
    const byProvider = new Map<string, CostClass[]>();
    for (const { provider, bucket, calls } of rows) {
      const classes = byProvider.get(provider) ?? [];
      byProvider.set(provider, classes);
      classes.push({ bucket: Number(bucket), calls: Number(calls) });
    }
    return byProvider;
  },
});
