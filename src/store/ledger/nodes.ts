/** Nodes and their claims. Locks are taken in this order: claim, node, accounts, leases, rates, their leases. */
import { type Kysely, type Selectable, sql } from "kysely";
import { defaultLimits } from "../../kernel/limits.js";
import { nanoUsd } from "../../kernel/money.js";
import type { Claim, ClaimStore, NodeAbout, NodeView } from "../../ledger/claim.js";
import type { Database } from "../database.js";
import { closeRateLeases } from "../rates/rate-returns.js";
import type { Schema, Tx } from "../schema.js";
import { closeLeases } from "./lease-returns.js";

/** What `ledger/claim.ts` asks of storage. */
export function claimStore(database: Database): ClaimStore {
  const { db } = database;
  return {
    openNode: (node, at, about = { host: "", validMs: defaultLimits.leaseValidMs }) =>
      database.transact((tx) => openNode(tx, node, at, about)),

    renewClaim: (node, at) => database.transact((tx) => renewClaim(tx, node, at)),
    otherClaims: (node) => otherClaims(db, node),
    fenceNode: (claim, at) => database.transact((tx) => fenceNode(tx, claim, at)),
    rejoinNode: (node, at) => database.transact((tx) => rejoinNode(database, tx, node, at)),
    closeNode: (node, at) => database.transact((tx) => closeNode(database, tx, node, at)),

    closeLost: async (before, at) => {
      const lost = await db
        .selectFrom("nodes")
        .select("id")
        .where("fenced_at", "<", BigInt(before))
        .where("closed_at", "is", null)
        .execute();
      for (const { id } of lost) await database.transact((tx) => closeNode(database, tx, id, at));
      return lost.length;
    },

    nodes: async (since) => {
      const rows = await db
        .selectFrom("nodes")
        .innerJoin("claims", "claims.node", "nodes.id")
        .selectAll()
        .select(leasedFunds.as("leased"))
        .where((e) => e.or([e("closed_at", "is", null), e("closed_at", ">", BigInt(since))]))
        .orderBy("opened_at")
        .orderBy("nodes.id")
        .execute();
      return rows.map(toView);
    },
  };
}

async function openNode(tx: Tx, node: string, at: number, about: NodeAbout): Promise<void> {
  const { host, validMs } = about;
  await tx
    .insertInto("claims")
    .values({ node, beat: 0, beat_at: at })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx
    .insertInto("nodes")
    .values({ id: node, opened_at: at, segment: 0, offset: 0, host, valid_ms: validMs })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

async function renewClaim(tx: Tx, node: string, at: number): Promise<boolean> {
  const renewed = await tx
    .updateTable("claims")
    .set({ beat: sql`beat + 1`, beat_at: at })
    .where("node", "=", node)
    .where("ended_at", "is", null)
    .returning("node")
    .execute();
  return renewed.length > 0;
}

async function otherClaims(db: Kysely<Schema>, node: string): Promise<Claim[]> {
  const rows = await db
    .selectFrom("claims")
    .innerJoin("nodes", "nodes.id", "claims.node")
    .select(["node", "beat", "valid_ms"])
    .where("node", "!=", node)
    .where("ended_at", "is", null)
    .execute();
  return rows.map((row) => ({
    node: row.node,
    beat: Number(row.beat),
    validMs: Number(row.valid_ms),
  }));
}

type Seen = Parameters<ClaimStore["fenceNode"]>[0];

async function fenceNode(tx: Tx, { node, beat }: Seen, at: number): Promise<boolean> {
  const ended = await tx
    .updateTable("claims")
    .set({ ended_at: at })
    .where("node", "=", node)
    .where("beat", "=", BigInt(beat))
    .where("ended_at", "is", null)
    .returning("node")
    .execute();
  if (ended.length === 0) return false;
  await tx.updateTable("nodes").set({ fenced_at: at }).where("id", "=", node).execute();
  return true;
}

async function rejoinNode(database: Database, tx: Tx, node: string, at: number): Promise<void> {
  await tx
    .updateTable("claims")
    .set({ beat: sql`beat + 1`, beat_at: at, ended_at: null })
    .where("node", "=", node)
    .execute();
  await tx
    .updateTable("nodes")
    .set({ fenced_at: null, closed_at: null })
    .where("id", "=", node)
    .execute();
  await closeLeases(database, tx, node);
  await closeRateLeases(database, tx, node);
}

/** Whether a node may still charge its leases. Nobody can take them away before this transaction ends. */
export async function hasLeases(tx: Tx, node: string): Promise<boolean> {
  const row = await tx
    .updateTable("nodes")
    .set({ closed_at: sql`closed_at` })
    .where("id", "=", node)
    .returning(["fenced_at", "closed_at"])
    .executeTakeFirst();
  return !isGone(row);
}

/** Of nodes that never opened nobody took anything away. */
export const isGone = (
  row: Pick<Selectable<Schema["nodes"]>, "fenced_at" | "closed_at"> | undefined,
): boolean => row !== undefined && (row.fenced_at !== null || row.closed_at !== null);

async function closeNode(database: Database, tx: Tx, node: string, at: number): Promise<void> {
  const closedAt = BigInt(at);
  await tx
    .updateTable("claims")
    .set((e) => ({ ended_at: e.fn.coalesce("ended_at", e.val(closedAt)) }))
    .where("node", "=", node)
    .execute();
  await tx
    .updateTable("nodes")
    .set((e) => ({ closed_at: e.fn.coalesce("closed_at", e.val(closedAt)) }))
    .where("id", "=", node)
    .execute();
  await closeLeases(database, tx, node);
  await closeRateLeases(database, tx, node);
}

/** A limit is leased as funds are, and would count the same money twice. */
const leasedFunds = sql<bigint>`(
  select cast(coalesce(sum(taken - returned - settled), 0) as bigint)
  from leases join accounts on accounts.id = leases.account
  where leases.node = nodes.id and accounts.kind = 'grant')`;

type NodeRow = Selectable<Schema["nodes"]> & Selectable<Schema["claims"]> & { leased: bigint };

const toView = (row: NodeRow): NodeView => ({
  id: row.id,
  host: row.host,
  state: row.closed_at !== null ? "closed" : row.fenced_at !== null ? "fenced" : "open",
  validMs: Number(row.valid_ms),
  openedAt: Number(row.opened_at),
  lastHeartbeatAt: Number(row.beat_at),
  fencedAt: row.fenced_at === null ? undefined : Number(row.fenced_at),
  closedAt: row.closed_at === null ? undefined : Number(row.closed_at),
  leased: nanoUsd(row.leased),
});
