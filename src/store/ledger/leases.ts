/** What processes take of accounts, within a transaction that has these locked. */
import { sql } from "kysely";
import { type NanoUsd, nanoUsd } from "../../kernel/money.js";
import { type LeaseAnswer, type LeaseRequest, leaseSize } from "../../ledger/store.js";
import type { Tx } from "../schema.js";
import { bySpendingOrder, leftIn } from "./accounts.js";
import type { DueAccount } from "./entitlements.js";

/** Sets aside as much of a bucket's accounts as `leaseSize` says, in spending order. The accounts are locked. */
export async function takeLease(
  tx: Tx,
  request: LeaseRequest,
  locked: readonly DueAccount[],
): Promise<LeaseAnswer> {
  const accounts = locked
    .map((row) => ({ ...row, left: row.balance - row.leased }))
    .sort(bySpendingOrder);
  const left = leftIn(locked);
  let want: bigint = leaseSize(left, request);
  const rest = nanoUsd(left - want);
  for (const account of accounts) {
    const some = account.left < want ? account.left : want;
    if (some > 0n) await take(tx, request, account.id, some);
    want -= some;
  }
  const over = new Set(locked.filter(({ isOver }) => isOver).map(({ id }) => id));
  return leaseAnswer(tx, request, rest, over);
}

async function take(
  tx: Tx,
  { node, bucketId: bucket, isSparing }: LeaseRequest,
  account: string,
  amount: bigint,
): Promise<void> {
  const granted = await tx
    .updateTable("accounts")
    .set({ leased: sql`leased + ${amount}` })
    .where("id", "=", account)
    .where(sql<bigint>`balance - leased`, ">=", amount)
    .returning("id")
    .execute();
  if (granted.length === 0) throw new Error(`account ${account} has less than was read under lock`);
  await tx
    .insertInto("leases")
    .values({
      node,
      account,
      bucket,
      taken: amount,
      returned: 0n,
      settled: 0n,
      recall_answered: 0n,
    })
    .onConflict((conflict) =>
      conflict.columns(["node", "account"]).doUpdateSet({
        taken: sql`leases.taken + excluded.taken`,
        // Whoever takes more than it needs has something to give back again.
        ...(!isSparing && { recall_answered: 0n }),
      }),
    )
    .execute();
}

async function leaseAnswer(
  tx: Tx,
  { node, bucketId, now }: LeaseRequest,
  unleased: NanoUsd,
  over: ReadonlySet<string>,
): Promise<LeaseAnswer> {
  const rows = await tx
    .selectFrom("leases")
    .innerJoin("accounts", "accounts.id", "leases.account")
    .select(["node", "accounts.id", "taken", "returned", "settled"])
    .select(["grant_kind", "expires_at", "opened_at"])
    .where("leases.bucket", "=", bucketId)
    .execute();
  const others = rows.filter((row) => row.node !== node && row.taken > row.returned + row.settled);
  const mine = rows.filter((row) => row.node === node).sort(bySpendingOrder);
  return {
    slices: mine.map((row) => ({
      account: row.id,
      expiresAt: row.expires_at === null ? undefined : Number(row.expires_at),
      taken: nanoUsd(row.taken),
      returned: nanoUsd(row.returned),
      settled: nanoUsd(row.settled),
      isOver: over.has(row.id),
    })),
    unleased,
    othersHold: others.length > 0,
    elsewhere: nanoUsd(
      others
        .filter(({ expires_at: at }) => at === null || Number(at) > now)
        .reduce((sum, { taken, returned, settled }) => sum + taken - returned - settled, 0n),
    ),
  };
}
