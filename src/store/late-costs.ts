/** Requests whose provider says later what they cost: who waits, and what happens when it has said it. */
import type { Selectable, Transaction } from "kysely";
import { least, type NanoUsd, nanoUsd } from "../kernel/money.js";
import { destinationOf, OVERRUN, providerAccount, type Transfer } from "../ledger/account.js";
import type { LateCost, LateCostStore } from "../ledger/late-cost.js";
import { dropVoid, noteAsked, readWaiting, takeTurn } from "./awaited-costs.js";
import type { Database } from "./database.js";
import { addDrift, type DriftEntry, readDrift } from "./drift.js";
import type { Schema } from "./schema.js";
import { settleLeases } from "./settlements.js";
import { post } from "./transfers.js";
import { addUsage, type UsageEntry } from "./usage-sums.js";

type Tx = Transaction<Schema>;

export function lateCostStore(database: Database): LateCostStore {
  const { db } = database;
  return {
    takeTurn: (turn) => database.transact((tx) => takeTurn(tx, turn)),
    dropVoid: () => database.transact(dropVoid),
    waiting: (page) => readWaiting(database, page),
    noteAsked: (requestIds) => database.transact((tx) => noteAsked(tx, requestIds)),
    settleLate: (batch) => database.transact((tx) => settleLate(database, tx, batch)),
    settledBy: async (node, requestIds) => {
      const rows = await db
        .selectFrom("late_costs")
        .select("request")
        .where("settled_by", "=", node)
        .where("request", "in", requestIds)
        .execute();
      return new Set(rows.map(({ request }) => request));
    },
    drift: (since) => readDrift(database, since),
  };
}

type Batch = Parameters<LateCostStore["settleLate"]>[0];

async function settleLate(
  database: Database,
  tx: Tx,
  { node, at, costs }: Batch,
): Promise<ReadonlySet<string>> {
  const mine = new Set<string>();
  const settled: { readonly late: LateCost; readonly before: RequestBefore }[] = [];
  for (const late of [...costs].sort((a, b) => (a.requestId < b.requestId ? -1 : 1))) {
    const state = await claim(tx, late, node, at);
    if (state !== "not mine") mine.add(late.requestId);
    if (state === "claimed") settled.push({ late, before: await correctRequest(tx, late) });
  }
  const transfers: Transfer[] = [];
  for (const { late, before } of settled) {
    transfers.push(...(await transfersFor(tx, late, before, at)));
  }
  // Accounts, then leases, then sums: as everyone does who changes them.
  await post(database, tx, transfers);
  await settleLeases(
    tx,
    settled.map(({ late: { debits } }) => ({ node, debits })),
  );
  await addUsage(
    tx,
    settled.map(({ late, before }) => correctionOf(late, before)),
  );
  await addDrift(
    tx,
    settled.map(({ late, before }) => driftOf(late, before)),
  );
  return mine;
}

/** Whoever takes it from waiting to settled moves the money. */
async function claim(
  tx: Tx,
  { requestId, outcome, cost }: LateCost,
  node: string,
  at: number,
): Promise<"claimed" | "mine already" | "not mine"> {
  const claimed = await tx
    .updateTable("late_costs")
    .set({ state: outcome, cost, settled_by: node, settled_at: at })
    .where("request", "=", requestId)
    .where("state", "=", "waiting")
    .returning("request")
    .execute();
  if (claimed.length > 0) return "claimed";
  const row = await tx
    .selectFrom("late_costs")
    .select("settled_by")
    .where("request", "=", requestId)
    .executeTakeFirst();
  return row?.settled_by === node ? "mine already" : "not mine";
}

type RequestBefore = Selectable<Schema["requests"]>;

/** Gives a request its true cost; returns what it was before. */
async function correctRequest(tx: Tx, late: LateCost): Promise<RequestBefore> {
  const before = await tx
    .selectFrom("requests")
    .selectAll()
    .where("id", "=", late.requestId)
    .executeTakeFirstOrThrow();
  const overrun = overrunAfter(late, before);
  await tx
    .updateTable("requests")
    .set({ cost: late.cost, overrun, counted: before.counted ?? before.cost })
    .where("id", "=", late.requestId)
    .execute();
  return before;
}

const correctionOf = (late: LateCost, before: RequestBefore): UsageEntry => ({
  at: Number(before.at),
  user_id: before.user_id,
  token_id: before.token_id,
  model: before.model,
  provider: before.provider,
  own_key: Number(before.own_key),
  requests: 0,
  input_tokens: 0,
  output_tokens: 0,
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
  late: LateCost,
  before: RequestBefore,
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
  for (const paid of (await chargesOf(tx, late.requestId)).values()) {
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

type Charge = { readonly account: string; readonly amount: NanoUsd };

const CHARGES_AT_ONCE = 32;

/** By bucket, what a request's settlement charged, in the order in which it was spent. */
async function chargesOf(tx: Tx, requestId: string): Promise<Map<string, Charge[]>> {
  const charges = new Map<string, Charge[]>();
  for (let from = 0; ; from += CHARGES_AT_ONCE) {
    const ids = Array.from({ length: CHARGES_AT_ONCE }, (_, i) => `${requestId}/${from + i}`);
    const rows = await tx
      .selectFrom("transfers")
      .innerJoin("accounts", "accounts.id", "transfers.debit")
      .select(["transfers.id", "debit", "amount", "bucket"])
      .where("transfers.id", "in", ids)
      .execute();
    rows.sort((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
    for (const { debit: account, amount, bucket } of rows) {
      const name = bucket ?? account;
      charges.set(name, [...(charges.get(name) ?? []), { account, amount: nanoUsd(amount) }]);
    }
    if (rows.length < CHARGES_AT_ONCE) return charges;
  }
}

const driftOf = (late: LateCost, { provider, at, cost }: RequestBefore): DriftEntry => ({
  at: Number(at),
  provider,
  counted: cost,
  reported: late.outcome === "billed" ? late.cost : undefined,
});
