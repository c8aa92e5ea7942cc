/** Nodes and their claims. Whoever locks a node and accounts locks the node first. */
import { type Selectable, sql, type Transaction } from "kysely";
import { defaultLimits } from "../kernel/limits.js";
import { nanoUsd } from "../kernel/money.js";
import type { ClaimStore, NodeView } from "../ledger/claim.js";
import type { Database } from "./database.js";
import { closeLeases } from "./leases.js";
import type { Schema } from "./schema.js";

type Tx = Transaction<Schema>;

export function claimStore(database: Database): ClaimStore {
  const { db } = database;
  return {
    openNode: (node, at, about = { host: "", validMs: defaultLimits.leaseValidMs }) =>
      database.transact(async (tx) => {
        const { host, validMs } = about;
        await tx
          .insertInto("nodes")
          .values({
            id: node,
            opened_at: at,
            segment: 0,
            offset: 0,
            host,
            valid_ms: validMs,
            beat_at: at,
          })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }),

    renewClaim: (node, at) =>
      database.transact(async (tx) => {
        const renewed = await tx
          .updateTable("nodes")
          .set({ beat: sql`beat + 1`, beat_at: at })
          .where("id", "=", node)
          .where("fenced_at", "is", null)
          .where("closed_at", "is", null)
          .returning("id")
          .execute();
        return renewed.length > 0;
      }),

    otherClaims: async (node) => {
      const rows = await db
        .selectFrom("nodes")
        .select(["id", "beat", "valid_ms"])
        .where("id", "!=", node)
        .where("fenced_at", "is", null)
        .where("closed_at", "is", null)
        .execute();
      return rows.map((row) => ({
        node: row.id,
        beat: Number(row.beat),
        validMs: Number(row.valid_ms),
      }));
    },

    fenceNode: ({ node, beat }, at) =>
      database.transact(async (tx) => {
        const fenced = await tx
          .updateTable("nodes")
          .set({ fenced_at: at })
          .where("id", "=", node)
          .where("beat", "=", BigInt(beat))
          .where("fenced_at", "is", null)
          .where("closed_at", "is", null)
          .returning("id")
          .execute();
        return fenced.length > 0;
      }),

    rejoinNode: (node, at) =>
      database.transact(async (tx) => {
        await tx
          .updateTable("nodes")
          .set({ fenced_at: null, closed_at: null, beat: sql`beat + 1`, beat_at: at })
          .where("id", "=", node)
          .execute();
        await closeLeases(database, tx, node);
      }),

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
        .selectAll()
        .select(leasedFunds.as("leased"))
        .where((e) => e.or([e("closed_at", "is", null), e("closed_at", ">", BigInt(since))]))
        .orderBy("opened_at")
        .execute();
      return rows.map(toView);
    },
  };
}

async function closeNode(database: Database, tx: Tx, node: string, at: number): Promise<void> {
  await tx
    .updateTable("nodes")
    .set({ closed_at: sql`coalesce(closed_at, ${at})` })
    .where("id", "=", node)
    .execute();
  await closeLeases(database, tx, node);
}

/** A limit is leased as funds are, and would count the same money twice. */
const leasedFunds = sql<bigint>`(
  select cast(coalesce(sum(taken - returned - settled), 0) as bigint)
  from leases join accounts on accounts.id = leases.account
  where leases.node = nodes.id and accounts.kind = 'grant')`;

const toView = (row: Selectable<Schema["nodes"]> & { leased: bigint }): NodeView => ({
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
