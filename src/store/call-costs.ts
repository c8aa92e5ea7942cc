/** How many calls of each mapping cost about how much, by month: so that nobody has to read the requests. */
import type { Transaction } from "kysely";
import { monthNumber } from "../kernel/period.js";
import type { Profile } from "../ledger/profile.js";
import type { Settlement } from "../ledger/store.js";
import { type CostClass, costClass } from "../metering/call-costs.js";
import type { Database, SumTable } from "./database.js";
import type { Schema } from "./schema.js";
import { Sums } from "./sums.js";

const CALL_COSTS: SumTable = {
  table: "call_costs",
  columns: { model: "text", provider: "text", month: "bigint", bucket: "bigint" },
  key: ["model", "provider", "month", "bucket"],
  sums: ["calls"],
};

/** Of answers that came to their end and cost something. A cost that is told later counts as it was first counted. */
export async function addCallCosts(
  database: Database,
  tx: Transaction<Schema>,
  settlements: readonly Settlement[],
): Promise<void> {
  const sums = new Sums(CALL_COSTS);
  for (const [profile, classes] of callsByProfile(settlements)) {
    for (const { at, bucket, calls } of classes.values()) {
      sums.add([profile.model, profile.provider, monthNumber(at), bucket], [calls]);
    }
  }
  await sums.write(database, tx);
}

type Calls = { readonly at: number; readonly bucket: number; calls: number };

/** Counted by day at first: to know the month of a day is dear. */
function callsByProfile(settlements: readonly Settlement[]): Map<Profile, Map<number, Calls>> {
  const byProfile = new Map<Profile, Map<number, Calls>>();
  for (const { profile, at, cost, outcome } of settlements) {
    if (outcome !== "served" || cost <= 0n) continue;
    const bucket = costClass(cost);
    const key = Math.floor(at / DAY_MS) * CLASSES_MAX + bucket;
    const classes = byProfile.get(profile) ?? new Map<number, Calls>();
    byProfile.set(profile, classes);
    const known = classes.get(key);
    if (known) known.calls++;
    else classes.set(key, { at, bucket, calls: 1 });
  }
  return byProfile;
}

const DAY_MS = 86_400_000;
/** More than there are classes of costs. */
const CLASSES_MAX = 1_024;

export type CallCostReader = ReturnType<typeof callCostReader>;

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
