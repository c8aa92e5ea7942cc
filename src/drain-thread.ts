/** The thread behind `jobs/drainer.ts`: a store connection of its own, and the drain. */

import { constants, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { drainSpool } from "./jobs/drain.js";
import type { DrainAnswer, DrainQuestion } from "./jobs/drainer.js";
import { reasonOf } from "./kernel/log.js";
import type { Database } from "./store/database.js";
import { ledgerStore } from "./store/ledger/ledger.js";
import { openStore } from "./store/open.js";

// Where there are fewer processors than work, requests go first: what is spooled is safe, and can wait. On Linux
// this is about the calling thread alone; elsewhere it would slow the whole process.
if (process.platform === "linux") setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);

/** The store, once a drain has needed it. */
let opened: Promise<Database> | undefined;

parentPort?.on("message", async (question: DrainQuestion) => {
  parentPort?.postMessage(await answer(question));
});

async function answer(question: DrainQuestion): Promise<DrainAnswer> {
  try {
    if (question.kind === "close") await (await opened)?.close();
    if (question.kind === "close") return { ok: true, at: undefined };
    const { place, folder, node, from } = question;
    opened ??= openStore(place);
    // A store that did not open is tried again by the next drain.
    const database = await opened.catch((thrown) => {
      opened = undefined;
      throw thrown;
    });
    return { ok: true, at: await drainSpool(ledgerStore(database), folder, node, from) };
  } catch (thrown) {
    return { ok: false, reason: reasonOf(thrown) };
  }
}
