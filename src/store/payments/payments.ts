/** Checkouts, and what became of them. */
import type { Payment, PaymentStore } from "../../ledger/payment.js";
import type { Database } from "../database.js";
import type { Tx } from "../schema.js";
import { applyCheckout, applyReversal } from "./payment-events.js";
import { fromOpened, rowBy, toPayment } from "./payment-rows.js";
import { followReversals } from "./reversals.js";

/** Payments one process takes on at a time. */
const CLAIMED_MAX = 20;

/** Every write waits for the one before it: see `lockPayments`. */
export function paymentStore(database: Database): PaymentStore {
  const { db } = database;
  const write = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> =>
    database.transact(async (tx) => {
      await database.lockPayments(tx);
      return work(tx);
    });
  return {
    countOpen: (bucket, since) => countOpen(db, bucket, since),

    add: (payment, { openMax, since }) =>
      write(async (tx) => {
        if ((await countOpen(tx, payment.bucket, since)) >= openMax) return "too_many";
        await tx.insertInto("payments").values(fromOpened(payment)).execute();
        return "added";
      }),

    applyCheckout: (event, at) => write((tx) => applyCheckout(database, tx, event, at)),
    applyReversal: (event, at) => write((tx) => applyReversal(database, tx, event, at)),

    findByIntent: async (intentId) => {
      const row = await rowBy(db, "intent_id", intentId);
      return row && toPayment(row);
    },

    claimOutstanding: async (at, everyMs) => {
      // Asked every second, and there is nearly never anything: that must not cost a write.
      const waiting = await outstandingSince(db, at - everyMs).executeTakeFirst();
      return waiting ? write((tx) => claim(tx, at, everyMs)) : [];
    },

    collect: (paymentId, at) =>
      write(async (tx) => {
        const row = await rowBy(tx, "id", paymentId);
        return row && toPayment(await followReversals(database, tx, row, at));
      }),

    list: async (bucket, count) => {
      const query = db.selectFrom("payments").selectAll().orderBy("id", "desc").limit(count);
      const rows = await (bucket === undefined
        ? query
        : query.where("bucket", "=", bucket)
      ).execute();
      return rows.map(toPayment);
    },
  };
}

const outstandingSince = (db: Pick<Tx, "selectFrom">, claimedAt: number) =>
  db
    .selectFrom("payments")
    .select("id")
    .where("outstanding", ">", 0n)
    .where("claimed_at", "<=", BigInt(claimedAt))
    .orderBy("claimed_at")
    .limit(CLAIMED_MAX);

async function claim(tx: Tx, at: number, everyMs: number): Promise<readonly Payment[]> {
  const rows = await tx
    .updateTable("payments")
    .set({ claimed_at: at })
    .where("id", "in", outstandingSince(tx, at - everyMs))
    .returningAll()
    .execute();
  return rows.map(toPayment);
}

async function countOpen(
  db: Pick<Tx, "selectFrom">,
  bucket: string,
  since: number,
): Promise<number> {
  const { count } = await db
    .selectFrom("payments")
    .select((e) => e.fn.countAll<bigint>().as("count"))
    .where("bucket", "=", bucket)
    .where("state", "=", "open")
    .where("created_at", ">", BigInt(since))
    .executeTakeFirstOrThrow();
  return Number(count);
}
