/** The thread behind `jobs/drainer.ts`: a store connection of its own, and the drain. */

import { rmSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { bytesBetween, drainBatch, segmentsBefore, spoolEnd } from "./jobs/drain.js";
import type { DrainAnswer, DrainedBatch, DrainQuestion } from "./jobs/drainer.js";
import { processorTime, processorTimeFrom } from "./jobs/processor-time.js";
import { reasonOf } from "./kernel/log.js";
import type { LedgerStore } from "./ledger/store.js";
import type { Database } from "./store/database.js";
import { ledgerStore } from "./store/ledger/ledger.js";
import { openStore } from "./store/open.js";

type Opened = { readonly database: Database; readonly ledger: LedgerStore };

/** The store, once a drain has needed it. It remembers what it has asked the database for. */
let opened: Promise<Opened> | undefined;

parentPort?.on("message", async (question: DrainQuestion) => {
  parentPort?.postMessage(await answer(question));
});

async function answer(question: DrainQuestion): Promise<DrainAnswer> {
  try {
    if (question.kind === "drain") return { ok: true, batch: await drain(question) };
    await (await opened)?.database.close();
    return { ok: true, batch: undefined };
  } catch (thrown) {
    return { ok: false, reason: reasonOf(thrown) };
  }
}

async function drain(question: DrainQuestion & { readonly kind: "drain" }): Promise<DrainedBatch> {
  const { place, folder, node, from, neededSegment } = question;
  const began = processorTime();
  const ledger = await ledgerAt(place);
  // What is spooled from now on is left to the next batch, and not counted.
  const end = spoolEnd(folder);
  const upTo = await drainBatch(ledger, folder, node, from);
  await removeDrained(ledger, folder, Math.min(upTo.segment, neededSegment));
  const took = processorTimeFrom(began, processorTime());
  return { upTo, leftBytes: bytesBetween(upTo, end), took };
}

/** A store that did not open is tried again by the next drain. */
async function ledgerAt(place: string): Promise<LedgerStore> {
  opened ??= openStore(place).then((database) => ({ database, ledger: ledgerStore(database) }));
  try {
    return (await opened).ledger;
  } catch (thrown) {
    opened = undefined;
    throw thrown;
  }
}

/** What a loss of power could take out of the store has to be found in the spool again, so it stays until then. */
async function removeDrained(ledger: LedgerStore, folder: string, segment: number): Promise<void> {
  const done = segmentsBefore(folder, segment);
  if (done.length > 0 && (await ledger.isDurable())) for (const file of done) rmSync(file);
}
