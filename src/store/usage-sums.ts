/** Sums of usage by hour: what is shown of the past without reading the requests. */
import { sql, type Transaction } from "kysely";
import type { Settlement } from "../ledger/store.js";
import type { Schema } from "./schema.js";

const HOUR_MS = 3_600_000;

/** What one event adds to the sums of its hour. */
export type UsageEntry = {
  readonly at: number;
  readonly user_id: string;
  readonly token_id: string;
  readonly model: string;
  readonly provider: string;
  readonly own_key: number;
  readonly requests: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost: bigint;
  readonly overrun: bigint;
};

export const usageEntryOf = (s: Settlement): UsageEntry => ({
  at: s.at,
  user_id: s.userId,
  token_id: s.tokenId,
  model: s.model,
  provider: s.provider,
  own_key: Number(s.isOwnKey),
  requests: 1,
  input_tokens: s.usage.inputTokens,
  output_tokens: s.usage.outputTokens,
  cost: s.cost,
  overrun: s.overrun,
});

export async function addUsage(
  tx: Transaction<Schema>,
  entries: readonly UsageEntry[],
): Promise<void> {
  for (const row of hourlySums(entries)) {
    await tx
      .insertInto("usage_hourly")
      .values(row)
      .onConflict((conflict) =>
        conflict
          .columns(["hour", "user_id", "token_id", "model", "provider", "own_key"])
          .doUpdateSet({
            requests: sql`usage_hourly.requests + excluded.requests`,
            input_tokens: sql`usage_hourly.input_tokens + excluded.input_tokens`,
            output_tokens: sql`usage_hourly.output_tokens + excluded.output_tokens`,
            cost: sql`usage_hourly.cost + excluded.cost`,
            overrun: sql`usage_hourly.overrun + excluded.overrun`,
          }),
      )
      .execute();
  }
}

/** In the order of their keys, so that nobody deadlocks. */
function hourlySums(entries: readonly UsageEntry[]) {
  const rows = new Map<string, ReturnType<typeof hourlyRow>>();
  for (const entry of entries) {
    const row = hourlyRow(entry);
    const key = [row.hour, row.user_id, row.token_id, row.model, row.provider, row.own_key].join(
      "|",
    );
    const sum = rows.get(key);
    if (!sum) {
      rows.set(key, row);
      continue;
    }
    sum.requests += row.requests;
    sum.input_tokens += row.input_tokens;
    sum.output_tokens += row.output_tokens;
    sum.cost += row.cost;
    sum.overrun += row.overrun;
  }
  return [...rows.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

function hourlyRow({ at, ...sums }: UsageEntry) {
  return { ...sums, hour: Math.floor(at / HOUR_MS) * HOUR_MS };
}
