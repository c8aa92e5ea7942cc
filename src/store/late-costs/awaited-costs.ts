/** Requests whose provider says later what they cost, from their beginning until somebody settles them. */
import { sql } from "kysely";
import { JOB_LOOK_EVERY_MS } from "../../kernel/limits.js";
import { nanoUsd } from "../../kernel/money.js";
import type {
  AwaitedCost,
  AwaitedJob,
  JobLook,
  LateCostStore,
  WaitingCost,
  WaitingJob,
} from "../../ledger/late-cost.js";
import type { Database } from "../database.js";
import type { Tx } from "../schema.js";

/** Notes what was begun; the last provider that began to answer a request is the one it ends with. */
export async function addAwaited(tx: Tx, awaited: readonly AwaitedCost[]): Promise<void> {
  const last = new Map(awaited.map((each) => [each.requestId, each]));
  if (last.size === 0) return;
  const rows = [...last.values()].map((each) => ({
    request: each.requestId,
    provider: each.provider,
    provider_request: each.providerRequestId,
    buckets: each.bucketIds.join(" "),
    at: each.at,
    asks: 0,
    ...stateOf(each),
  }));
  await tx
    .insertInto("late_costs")
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .column("request")
        .doUpdateSet({
          provider: sql`excluded.provider`,
          provider_request: sql`excluded.provider_request`,
          at: sql`excluded.at`,
        })
        .where("late_costs.state", "=", "waiting"),
    )
    .execute();
}

/** A job's caller most often asks for it soon; whose result was in the first answer has nothing to wait for. */
function stateOf({ job, at }: AwaitedCost) {
  if (job === undefined) return { state: "waiting", look: null, ask_at: null };
  if (job === "known") return { state: "known", look: null, ask_at: null };
  return { state: "waiting", look: JSON.stringify(job), ask_at: at + JOB_LOOK_EVERY_MS };
}

type Turn = Parameters<LateCostStore["takeTurn"]>[0];

/** Whether `node` has the job until `until`: nobody else has it, or their turn is over. */
export async function takeTurn(tx: Tx, { job, node, now, until }: Turn): Promise<boolean> {
  const taken = await tx
    .insertInto("job_turns")
    .values({ job, node, until })
    .onConflict((conflict) =>
      conflict
        .column("job")
        .doUpdateSet({ node, until })
        .where((e) =>
          e.or([e("job_turns.node", "=", node), e("job_turns.until", "<=", BigInt(now))]),
        ),
    )
    .returning("job")
    .execute();
  return taken.length > 0;
}

export async function readAwaitedProviders({ db }: Database): Promise<readonly string[]> {
  const rows = await db
    .selectFrom("late_costs")
    .select("provider")
    .distinct()
    .where("state", "=", "waiting")
    .where("look", "is", null)
    .execute();
  return rows.map(({ provider }) => provider);
}

type Page = Parameters<LateCostStore["waiting"]>[0];

/** One page of requests that wait for a provider's word, in the order of ids, which is about that of time. */
export async function readWaiting({ db }: Database, page: Page): Promise<readonly WaitingCost[]> {
  const rows = await db
    .selectFrom("late_costs")
    .innerJoin("requests", "requests.id", "late_costs.request")
    .select(["request", "provider_request", "buckets", "asks", "requests.cost", "duration_ms"])
    .select("requests.at as started_at")
    .where("state", "=", "waiting")
    .where("look", "is", null)
    .where("late_costs.provider", "=", page.provider)
    .whereRef("requests.provider", "=", "late_costs.provider")
    .where("request", ">", page.after)
    .where(sql<bigint>`requests.at + duration_ms`, "<=", BigInt(page.endedBy))
    .orderBy("request")
    .limit(page.count)
    .execute();
  return rows.map((row) => ({
    requestId: row.request,
    providerRequestId: row.provider_request,
    bucketIds: row.buckets.split(" "),
    cost: nanoUsd(row.cost),
    endedAt: Number(row.started_at + row.duration_ms),
    asks: Number(row.asks),
  }));
}

/** A job by the provider's id of it, once the request that began it is in the store. */
export async function findJob(
  { db }: Database,
  provider: string,
  job: string,
): Promise<AwaitedJob | undefined> {
  const row = await db
    .selectFrom("late_costs")
    .innerJoin("requests", "requests.id", "late_costs.request")
    .select(["request", "buckets", "state", "look", "user_id", "model", "task", "cost"])
    .select("late_costs.at")
    .where("late_costs.provider", "=", provider)
    .where("provider_request", "=", job)
    .executeTakeFirst();
  return (
    row && {
      provider,
      job,
      requestId: row.request,
      userId: row.user_id,
      bucketIds: row.buckets.split(" "),
      model: row.model,
      task: row.task,
      begunAt: Number(row.at),
      cost: nanoUsd(row.cost),
      isSettled: row.state !== "waiting",
      look: row.look === null ? undefined : (JSON.parse(row.look) as JobLook),
    }
  );
}

type JobPage = Parameters<LateCostStore["jobsToAskFor"]>[0];

/** One page of jobs that have not ended and are due to be asked for, the longest due first. */
export async function readJobs({ db }: Database, page: JobPage): Promise<readonly WaitingJob[]> {
  const rows = await db
    .selectFrom("late_costs")
    .innerJoin("requests", "requests.id", "late_costs.request")
    .select(["request", "provider_request", "buckets", "asks", "look", "late_costs.at"])
    .select(["requests.provider", "user_id", "model", "task", "requests.cost"])
    .where("state", "=", "waiting")
    .where("look", "is not", null)
    .where("ask_at", "<=", BigInt(page.now))
    .whereRef("requests.provider", "=", "late_costs.provider")
    .where("own_key", "=", 0n)
    .orderBy("ask_at")
    .limit(page.count)
    .execute();
  return rows.map((row) => ({
    provider: row.provider,
    job: row.provider_request,
    requestId: row.request,
    userId: row.user_id,
    bucketIds: row.buckets.split(" "),
    model: row.model,
    task: row.task,
    cost: nanoUsd(row.cost),
    isSettled: false,
    look: JSON.parse(row.look ?? "") as JobLook,
    begunAt: Number(row.at),
    asks: Number(row.asks),
  }));
}

/** Puts a job's next question off until `at`. */
export async function askJobAgain(tx: Tx, requestId: string, at: number): Promise<void> {
  await tx
    .updateTable("late_costs")
    .set({ asks: sql`asks + 1`, ask_at: at })
    .where("request", "=", requestId)
    .execute();
}

/** A request that ended as a failure, or with another provider than began to answer, is charged nothing for it. */
export async function dropVoid(tx: Tx): Promise<void> {
  await sql`update late_costs set state = 'void' where state = 'waiting' and exists (
    select 1 from requests where requests.id = late_costs.request
    and (requests.provider <> late_costs.provider or requests.outcome = 'failed'))`.execute(tx);
}

export async function noteAsked(tx: Tx, requestIds: readonly string[]): Promise<void> {
  await tx
    .updateTable("late_costs")
    .set({ asks: sql`asks + 1` })
    .where("request", "in", requestIds)
    .execute();
}
