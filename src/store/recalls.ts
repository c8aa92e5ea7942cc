/** Giving leases back, and recalling them: the same for leases of money and of rates. */
import type { LeaseStore } from "../ledger/store.js";
import { recordChange } from "./changes.js";
import type { Database } from "./database.js";
import type { Tx } from "./schema.js";

type ReturnLease = (
  database: Database,
  tx: Tx,
  ...returned: Parameters<LeaseStore["returnLease"]>
) => Promise<void>;

/** `table` is where the leases stand, and `returnLease` gives them back there. */
export const recalls = (
  database: Database,
  table: "leases" | "rate_leases",
  returnLease: ReturnLease,
): Pick<LeaseStore, "returnLease" | "askBack" | "answerRecall"> => ({
  returnLease: (node, returned) =>
    database.transact((tx) => returnLease(database, tx, node, returned)),

  askBack: (node, bucketId, at) =>
    database.transact((tx) =>
      recordChange(database, tx, { topic: "recall", key: bucketId, node, at }),
    ),

  answerRecall: (node, bucketId, recall, returned) =>
    database.transact(async (tx) => {
      await returnLease(database, tx, node, returned);
      await tx
        .updateTable(table)
        .set({ recall_answered: recall })
        .where("node", "=", node)
        .where("bucket", "=", bucketId)
        .where("recall_answered", "<", BigInt(recall))
        .execute();
    }),
});
