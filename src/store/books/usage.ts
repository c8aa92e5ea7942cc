import { type Kysely, type Selectable, sql } from "kysely";
import { type NanoUsd, nanoUsd } from "../../kernel/money.js";
import type { Measured } from "../../tasks/usage.js";
import type { Database } from "../database.js";
import type { Schema } from "../schema.js";
import { requestsOf } from "./user-requests.js";

/** One settled request, for whoever made it or paid for it. */
export type RequestRow = {
  readonly id: string;
  readonly userId: string;
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

/** What one member's requests were charged; `groupId` is empty where no group was named. */
export type MemberCharge = {
  readonly userId: string;
  readonly groupId: string;
  readonly charged: NanoUsd;
};

const REQUESTS_SHOWN_MAX = 1_000;

/** Reads of what was used: roll-ups, never the request log, but for the newest requests themselves. */
export function usageReader({ db }: Database) {
  return {
    /** What requests of a payer were charged since a full hour, as far as the store has heard. */
    chargedSince: async (payer: string, since: number): Promise<NanoUsd> => {
      const { charged } = await db
        .selectFrom("usage_hourly")
        .select(sql<bigint>`cast(coalesce(sum(cost - overrun), 0) as bigint)`.as("charged"))
        .where("payer", "=", payer)
        .where("hour", ">=", BigInt(since))
        .executeTakeFirstOrThrow();
      return nanoUsd(charged);
    },

    /** The same, by who made the requests and through which resource group. */
    chargedByMember: async (payer: string, since: number): Promise<readonly MemberCharge[]> => {
      const rows = await db
        .selectFrom("usage_hourly")
        .select(["user_id", "group_id"])
        .select(sql<bigint>`cast(sum(cost - overrun) as bigint)`.as("charged"))
        .where("payer", "=", payer)
        .where("hour", ">=", BigInt(since))
        .groupBy(["user_id", "group_id"])
        .execute();
      return rows.map(({ user_id, group_id, charged }) => ({
        userId: user_id,
        groupId: group_id,
        charged: nanoUsd(charged),
      }));
    },

    /** What a user did, by their id, or what an organization paid for, by its bucket. */
    newestRequests: async (owner: string, count: number): Promise<RequestRow[]> => {
      const countMax = Math.min(count, REQUESTS_SHOWN_MAX);
      const newest: RequestRow[] = [];
      for await (const { ids, at } of requestsOf(db, owner)) {
        const isFull = newest.length === countMax;
        if (isFull && at < (newest.at(-1)?.at ?? 0)) break;
        newest.push(...(await requestsNamed(db, ids)));
        newest.sort((a, b) => b.at - a.at).splice(countMax);
      }
      return newest;
    },
  };
}

async function requestsNamed(db: Kysely<Schema>, ids: readonly string[]): Promise<RequestRow[]> {
  const rows = await db
    .selectFrom("requests")
    .leftJoin("late_costs", "late_costs.request", "requests.id")
    .selectAll("requests")
    .select("late_costs.state as late_state")
    .where("requests.id", "in", ids)
    .orderBy("requests.id", "desc")
    .execute();
  return rows.map(toRequestRow);
}

export type UsageReader = ReturnType<typeof usageReader>;

type StoredRequest = Selectable<Schema["requests"]> & { readonly late_state: string | null };

export const toRequestRow = (row: StoredRequest): RequestRow => ({
  id: row.id,
  userId: row.user_id,
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
});

function costFrom(counted: bigint | null, late: string | null): CostFrom {
  if (late === "waiting") return "awaited";
  if (late === "unbilled") return "nobody";
  return counted === null ? "count" : "provider";
}
