/** The transfers of one request, found by their names: `<request>/0`, `<request>/1`, …, `<request>/late/0`, … */
import type { Kysely, Selectable } from "kysely";
import { type NanoUsd, nanoUsd } from "../../kernel/money.js";
import type { Schema } from "../schema.js";

/** What a request took from an account of somebody's, or gave back to it, below zero. */
export type Move = {
  readonly account: string;
  /** `plan`, `purchased`, `budget`, … */
  readonly kind: string;
  readonly bucket: string;
  readonly amount: NanoUsd;
  readonly at: number;
};

type TransferRow = Selectable<Schema["posted_transfers"]>;

const READ_AT_ONCE = 32;

/** What its settlement charged, in the order in which it was spent. */
export async function chargesOf(db: Kysely<Schema>, requestId: string): Promise<Move[]> {
  const settled = await db
    .selectFrom("settled_transfers")
    .selectAll()
    .where("request", "=", requestId)
    .execute();
  // `/10` comes after `/9`.
  settled.sort((a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : 1));
  return [...(await movesOf(db, settled)), ...(await movesPosted(db, `${requestId}/`))];
}

/** What was charged or given back after its provider had told the cost. */
export const adjustmentsOf = (db: Kysely<Schema>, requestId: string): Promise<Move[]> =>
  movesPosted(db, `${requestId}/late/`);

/** Those with a number after `prefix`, from 0 on without a gap. */
async function movesPosted(db: Kysely<Schema>, prefix: string): Promise<Move[]> {
  const moves: Move[] = [];
  for (let from = 0; ; from += READ_AT_ONCE) {
    const ids = Array.from({ length: READ_AT_ONCE }, (_, i) => `${prefix}${from + i}`);
    const query = db.selectFrom("posted_transfers").selectAll().where("id", "in", ids);
    const transfers = await query.execute();
    transfers.sort((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
    moves.push(...(await movesOf(db, transfers)));
    if (transfers.length < READ_AT_ONCE) return moves;
  }
}

/** As far as transfers are about somebody's account. */
async function movesOf(db: Kysely<Schema>, transfers: readonly TransferRow[]): Promise<Move[]> {
  const owned = await ownedAmong(db, new Set(transfers.flatMap((t) => [t.debit, t.credit])));
  return transfers.flatMap(({ debit, credit, amount, at }): Move[] => {
    const account = owned.get(debit) ?? owned.get(credit);
    if (!account) return [];
    const isCharge = account.account === debit;
    return [{ ...account, amount: nanoUsd(isCharge ? amount : -amount), at: Number(at) }];
  });
}

type Owned = Pick<Move, "account" | "kind" | "bucket">;

async function ownedAmong(
  db: Kysely<Schema>,
  accounts: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Owned>> {
  if (accounts.size === 0) return new Map();
  const rows = await db
    .selectFrom("accounts")
    .select(["id", "kind", "grant_kind", "bucket"])
    .where("id", "in", [...accounts])
    .execute();
  return new Map(
    rows.flatMap(({ id, kind, grant_kind, bucket }) =>
      bucket === null ? [] : [[id, { account: id, kind: grant_kind ?? kind, bucket }] as const],
    ),
  );
}
