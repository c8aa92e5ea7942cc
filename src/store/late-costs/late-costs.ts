/** Requests whose provider says later what they cost: who waits, and what happens when it has said it. */
import { type Kysely, type Selectable, sql } from "kysely";
import { least, nanoUsd } from "../../kernel/money.js";
import { destinationOf, OVERRUN, providerAccount, type Transfer } from "../../ledger/account.js";
import type { LateCost, LateCostStore } from "../../ledger/late-cost.js";
import { addCorrections, type Correction } from "../books/usage-sums.js";
import type { Database } from "../database.js";
import { hasLeases } from "../ledger/nodes.js";
import { type Move as Charged, chargesOf } from "../ledger/request-transfers.js";
import { settleLeases } from "../ledger/settlements.js";
import { post } from "../ledger/transfers.js";
import type { Schema, Tx } from "../schema.js";
import {
  askJobAgain,
  dropVoid,
  findJob,
  noteAsked,
  readAwaitedProviders,
  readJobs,
  readWaiting,
  takeTurn,
} from "./awaited-costs.js";
import { addDrift, type DriftEntry, readDrift } from "./drift.js";

export function lateCostStore(database: Database): LateCostStore {
  return {
    takeTurn: (turn) => database.transact((tx) => takeTurn(tx, turn)),
    dropVoid: () => database.transact(dropVoid),
    awaitedProviders: () => readAwaitedProviders(database),
    waiting: (page) => readWaiting(database, page),
    findJob: (provider, job) => findJob(database, provider, job),
    jobsToAskFor: (page) => readJobs(database, page),
    askJobAgain: (requestId, at) => database.transact((tx) => askJobAgain(tx, requestId, at)),
    noteAsked: (requestIds) => database.transact((tx) => noteAsked(tx, requestIds)),
    settleLate: (batch) => database.transact((tx) => settleLate(database, tx, batch)),
    settledBy: (node, requestIds) => settledBy(database.db, node, requestIds),
    drift: (since) => readDrift(database, since),
  };
}

type Batch = Parameters<LateCostStore["settleLate"]>[0];

async function settleLate(
  database: Database,
  tx: Tx,
  { node, at, costs }: Batch,
): Promise<ReadonlySet<string>> {
  // Its leases may be others' by now; what it settles later it settles on new ones.
  if (!(await hasLeases(tx, node))) throw new Error("the node was fenced");
  const claimed = await claim(tx, costs, node, at);
  const before = await requestsOf(tx, claimed);
  const settled = costs.flatMap((late): Settled[] => {
    const request = before.get(late.requestId);
    return request ? [{ late, before: request }] : [];
  });
  const transfers: Transfer[] = [];
  for (const each of settled) transfers.push(...(await transfersFor(tx, each, at)));
  await correctRequests(tx, settled);
  // Accounts, then leases, then sums: as everyone does who changes them.
  await post(database, tx, transfers);
  const debits = settled.flatMap(({ late }) => late.debits);
  // Unlike a spooled charge this one can wait: it is made anew from a lease that the process still has.
  if (!(await settleLeases(database, tx, node, debits)))
    throw new Error("a lease was taken away before its charge");
  await addCorrections(database, tx, settled.map(correctionOf), at);
  await addDrift(tx, settled.flatMap(driftOf));
  return settledBy(tx, node, ids(costs));
}

type Settled = { readonly late: LateCost; readonly before: RequestBefore };
type RequestBefore = Selectable<Schema["requests"]>;

const ids = (costs: readonly LateCost[]): string[] => costs.map(({ requestId }) => requestId);

/** Whoever takes a request from waiting to settled moves the money. */
async function claim(
  tx: Tx,
  costs: readonly LateCost[],
  node: string,
  at: number,
): Promise<readonly string[]> {
  const claimed: string[] = [];
  for (const outcome of ["billed", "unbilled"] as const) {
    const some = costs.filter((late) => late.outcome === outcome);
    if (some.length === 0) continue;
    const rows = await tx
      .updateTable("late_costs")
      .set({ state: outcome, settled_by: node, settled_at: at })
      .where("request", "in", ids(some))
      .where("state", "=", "waiting")
      .returning("request")
      .execute();
    for (const { request } of rows) claimed.push(request);
  }
  return claimed;
}

async function settledBy(
  db: Kysely<Schema>,
  node: string,
  requestIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (requestIds.length === 0) return new Set();
  const rows = await db
    .selectFrom("late_costs")
    .select("request")
    .where("settled_by", "=", node)
    .where("request", "in", requestIds)
    .execute();
  return new Set(rows.map(({ request }) => request));
}

async function requestsOf(
  tx: Tx,
  requestIds: readonly string[],
): Promise<ReadonlyMap<string, RequestBefore>> {
  if (requestIds.length === 0) return new Map();
  const rows = await tx.selectFrom("requests").selectAll().where("id", "in", requestIds).execute();
  return new Map(rows.map((row) => [row.id, row]));
}

/** What our count came to is kept beside what it was; nearly always they are one. */
async function correctRequests(tx: Tx, settled: readonly Settled[]): Promise<void> {
  if (settled.length === 0) return;
  await tx
    .updateTable("settlements")
    .set({ counted: sql`coalesce(counted, cost)` })
    .where(
      "id",
      "in",
      settled.map(({ before }) => before.id),
    )
    .execute();
  for (const { late, before } of settled) {
    const overrun = overrunAfter(late, before);
    if (late.cost === before.cost && overrun === before.overrun) continue;
    await tx
      .updateTable("settlements")
      .set({ cost: late.cost, overrun })
      .where("id", "=", before.id)
      .execute();
  }
}

const correctionOf = ({ late, before }: Settled): Correction => ({
  request: before,
  cost: late.cost - before.cost,
  overrun: overrunAfter(late, before) - before.overrun,
});

/** What goes back, first makes good what could not be charged. */
function overrunAfter(late: LateCost, before: RequestBefore): bigint {
  const back = before.cost - late.cost;
  if (back <= 0n) return before.overrun + late.overrun;
  return before.overrun > back ? before.overrun - back : 0n;
}

async function transfersFor(
  tx: Tx,
  { late, before }: Settled,
  at: number,
): Promise<readonly Transfer[]> {
  const moves = late.cost < before.cost ? await movesBack(tx, late, before) : movesOn(late, before);
  return moves
    .filter(({ amount }) => amount > 0n)
    .map((move, i) => ({ ...move, id: `${late.requestId}/late/${i}`, code: "adjust", at }));
}

type Move = Pick<Transfer, "debit" | "credit" | "amount">;

const movesOn = ({ debits, overrun }: LateCost, { provider }: RequestBefore): readonly Move[] => [
  ...debits.map(({ account, amount }) => ({
    debit: account,
    credit: destinationOf(account, provider),
    amount,
  })),
  { debit: OVERRUN, credit: providerAccount(provider), amount: overrun },
];

async function movesBack(
  tx: Tx,
  late: LateCost,
  { provider, cost, overrun }: RequestBefore,
): Promise<readonly Move[]> {
  const back = nanoUsd(cost - late.cost);
  const unpaid = least(nanoUsd(overrun), back);
  const moves: Move[] = [{ debit: providerAccount(provider), credit: OVERRUN, amount: unpaid }];
  for (const paid of (await chargesByBucket(tx, late.requestId)).values()) {
    let left = nanoUsd(back - unpaid);
    // What was spent last comes back first.
    for (const { account, amount } of paid.reverse()) {
      const some = least(amount, left);
      moves.push({ debit: destinationOf(account, provider), credit: account, amount: some });
      left = nanoUsd(left - some);
    }
  }
  return moves;
}

/** By bucket, what a request's settlement charged, in the order in which it was spent. */
async function chargesByBucket(tx: Tx, requestId: string): Promise<ReadonlyMap<string, Charged[]>> {
  return Map.groupBy(await chargesOf(tx, requestId), ({ bucket }) => bucket);
}

function driftOf({ late, before }: Settled): readonly DriftEntry[] {
  if (late.ownCount === "none") return [];
  const { provider } = before;
  const counted = late.ownCount ?? before.cost;
  const reported = late.outcome === "billed" ? late.cost : undefined;
  return [{ at: Number(before.at), provider, counted, reported }];
}
