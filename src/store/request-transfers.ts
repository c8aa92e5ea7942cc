/** The transfers of one request, found by their names: `<request>/0`, `<request>/1`, …, `<request>/late/0`, … */
import type { Kysely } from "kysely";
import { type NanoUsd, nanoUsd } from "../kernel/money.js";
import type { Schema } from "./schema.js";

/** What a request took from an account of somebody's, or gave back to it, below zero. */
export type Move = {
  readonly account: string;
  /** `plan`, `purchased`, `budget`, … */
  readonly kind: string;
  readonly bucket: string;
  readonly amount: NanoUsd;
  readonly at: number;
};

const READ_AT_ONCE = 32;

/** What its settlement charged, in the order in which it was spent. */
export const chargesOf = (db: Kysely<Schema>, requestId: string): Promise<Move[]> =>
  movesNamed(db, `${requestId}/`);

/** What was charged or given back after its provider had told the cost. */
export const adjustmentsOf = (db: Kysely<Schema>, requestId: string): Promise<Move[]> =>
  movesNamed(db, `${requestId}/late/`);

/** Those with a number after `prefix`, from 0 on without a gap, as far as they are about somebody's account. */
async function movesNamed(db: Kysely<Schema>, prefix: string): Promise<Move[]> {
  const moves: Move[] = [];
  for (let from = 0; ; from += READ_AT_ONCE) {
    const ids = Array.from({ length: READ_AT_ONCE }, (_, i) => `${prefix}${from + i}`);
    const transfers = await db.selectFrom("transfers").selectAll().where("id", "in", ids).execute();
    transfers.sort((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
    const owned = await ownedAmong(db, new Set(transfers.flatMap((t) => [t.debit, t.credit])));
    for (const { debit, credit, amount, at } of transfers) {
      const account = owned.get(debit) ?? owned.get(credit);
      if (!account) continue;
      const isCharge = account.account === debit;
      moves.push({ ...account, amount: nanoUsd(isCharge ? amount : -amount), at: Number(at) });
    }
    if (transfers.length < READ_AT_ONCE) return moves;
  }
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
