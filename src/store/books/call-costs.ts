/** How many calls of each mapping cost about how much, by month: so that nobody has to read the requests. */
import { monthNumber } from "../../kernel/period.js";
import type { Profile } from "../../ledger/profile.js";
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
export class CallCostSums {
  private readonly mappings = new Map<string, Mapping>();

  add({ profile, hour, settlements }: Alike): void {
    const { classes } = this.mappingOf(profile, monthNumber(hour));
    for (const { cost, outcome } of settlements) {
      if (outcome !== "served" || cost <= 0n) continue;
      const bucket = costClass(cost);
      classes.set(bucket, (classes.get(bucket) ?? 0) + 1);
    }
  }

  private mappingOf({ model, provider }: Profile, month: number): Mapping {
    const key = [model, provider, month] as const;
    const name = key.join("\n");
    const there = this.mappings.get(name);
    if (there) return there;
    const mapping: Mapping = { key, classes: new Map() };
    this.mappings.set(name, mapping);
    return mapping;
  }

  async write(database: Database, tx: Tx): Promise<void> {
    const sums = new Sums(CALL_COSTS);
    for (const { key, classes } of this.mappings.values()) {
      for (const [bucket, calls] of classes) sums.add([...key, bucket], [calls]);
    }
    await sums.write(database, tx);
  }
}

/** By class of cost, how many calls of it there were. */
type Mapping = {
  readonly key: readonly [model: string, provider: string, month: number];
  readonly classes: Map<number, number>;
};

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
