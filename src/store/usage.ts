import { sql } from "kysely";
import { type NanoUsd, nanoUsd } from "../kernel/money.js";
import type { Measured } from "../tasks/usage.js";
import type { Database } from "./database.js";

export const USAGE_BY = ["model", "provider", "day", "token"] as const;
export type UsageBy = (typeof USAGE_BY)[number];

export type UsageRow = {
  readonly key: string;
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cost: NanoUsd;
  readonly overrun: NanoUsd;
  readonly isOwnKey: boolean;
};

/** One settled request, for whoever made it. */
export type RequestRow = {
  readonly id: string;
  readonly at: number;
  readonly model: string;
  readonly provider: string;
  readonly status: number;
  readonly outcome: string;
  readonly isOwnKey: boolean;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly isEstimated: boolean;
  readonly measured: Measured | undefined;
  readonly cost: NanoUsd;
  /** Our own count's cost, where `cost` is the provider's word. */
  readonly counted: NanoUsd | undefined;
  readonly costFrom: CostFrom;
  readonly overrun: NanoUsd;
  readonly durationMs: number;
};

/**
 * Whose word the cost is: our own count; the provider's; our own until the provider has spoken; nobody's, since the
 * provider never spoke and the request was free.
 */
export type CostFrom = "count" | "provider" | "awaited" | "nobody";

const DAY_MS = 86_400_000;
const REQUESTS_SHOWN_MAX = 1_000;

/** Reads of what was used: roll-ups, never the request log, but for the newest requests themselves. */
export function usageReader({ db }: Database) {
  return {
    /** One row per value of `by` and kind of key, dearest first. `since` and `until` in ms UTC. */
    summary: async (
      userId: string,
      by: UsageBy,
      since: number,
      until: number,
    ): Promise<UsageRow[]> => {
      const key = {
        model: sql<string>`model`,
        provider: sql<string>`provider`,
        token: sql<string>`token_id`,
        day: sql<string>`cast(hour / ${sql.lit(DAY_MS)} as text)`,
      }[by];
      const total = (column: string) => sql<bigint>`cast(sum(${sql.ref(column)}) as bigint)`;
      const rows = await db
        .selectFrom("usage_hourly")
        .select([
          key.as("key"),
          "own_key",
          total("requests").as("requests"),
          total("input_tokens").as("input_tokens"),
          total("output_tokens").as("output_tokens"),
          total("cost").as("cost"),
          total("overrun").as("overrun"),
        ])
        .where("user_id", "=", userId)
        .where("hour", ">=", BigInt(since))
        .where("hour", "<", BigInt(until))
        .groupBy([key, "own_key"])
        .orderBy("cost", "desc")
        .execute();
      return rows.map((row) => ({
        key: by === "day" ? dayName(row.key) : row.key,
        requests: Number(row.requests),
        inputTokens: Number(row.input_tokens),
        outputTokens: Number(row.output_tokens),
        cost: nanoUsd(row.cost),
        overrun: nanoUsd(row.overrun),
        isOwnKey: row.own_key === 1n,
      }));
    },

    newestRequests: async (userId: string, count: number): Promise<RequestRow[]> => {
      const rows = await db
        .selectFrom("requests")
        .leftJoin("late_costs", "late_costs.request", "requests.id")
        .selectAll("requests")
        .select("late_costs.state as late_state")
        .where("user_id", "=", userId)
        .orderBy("requests.at", "desc")
        .limit(Math.min(count, REQUESTS_SHOWN_MAX))
        .execute();
      return rows.map((row) => ({
        id: row.id,
        at: Number(row.at),
        model: row.model,
        provider: row.provider,
        status: Number(row.status),
        outcome: row.outcome,
        isOwnKey: row.own_key === 1n,
        inputTokens: Number(row.input_tokens),
        cachedInputTokens: Number(row.cached_input_tokens),
        cacheWriteTokens: Number(row.cache_write_tokens),
        outputTokens: Number(row.output_tokens),
        reasoningTokens: Number(row.reasoning_tokens),
        isEstimated: row.estimated === 1n,
        measured: row.measured === null ? undefined : (JSON.parse(row.measured) as Measured),
        cost: nanoUsd(row.cost),
        counted: row.counted === null ? undefined : nanoUsd(row.counted),
        costFrom: costFrom(row.counted, row.late_state),
        overrun: nanoUsd(row.overrun),
        durationMs: Number(row.duration_ms),
      }));
    },
  };
}

export type UsageReader = ReturnType<typeof usageReader>;

/** Rows as programs read them, with what the payer was charged: a cost less its overrun. */
export function printUsage(by: UsageBy, rows: readonly UsageRow[]) {
  return {
    rows: rows.map((row) => ({
      [by]: row.key,
      requests: row.requests,
      input_tokens: row.inputTokens,
      output_tokens: row.outputTokens,
      own_key: row.isOwnKey,
      cost_nano_usd: String(row.cost - row.overrun),
    })),
    total_cost_nano_usd: String(rows.reduce((sum, row) => sum + row.cost - row.overrun, 0n)),
  };
}

function costFrom(counted: bigint | null, late: string | null): CostFrom {
  if (late === "waiting") return "awaited";
  if (late === "unbilled") return "nobody";
  return counted === null ? "count" : "provider";
}

const dayName = (days: string): string =>
  new Date(Number(days) * DAY_MS).toISOString().slice(0, 10);
