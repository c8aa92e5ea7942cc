/** Takes leases of a bucket until there is nothing left, and prints what it got: place, node, bucket. */
import { nanoUsd } from "../../src/kernel/money.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { openStore } from "../../src/store/open.js";

const [place = "", node = "", bucket = ""] = process.argv.slice(2);
const database = await openStore(place);
const store = ledgerStore(database);
let taken = 0n;
for (;;) {
  const answer = await store.takeLease({
    node,
    bucketId: bucket,
    need: nanoUsd(7n),
    isAll: false,
    isSparing: false,
    now: Date.UTC(2026, 0, 15, 12),
  });
  const sum = answer.slices.reduce((total, slice) => total + slice.taken, 0n);
  if (sum === taken) break;
  taken = sum;
}
process.stdout.write(String(taken));
await database.close();
