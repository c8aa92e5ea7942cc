/** The thread behind `jobs/drainer.ts`: a store connection of its own, and the drain. */

import { drainSpool } from "./jobs/drain.js";
import type { DrainAnswer, DrainQuestion } from "./jobs/drainer.js";
import { reasonOf } from "./kernel/log.js";
import type { Database } from "./store/database.js";
import { ledgerStore } from "./store/ledger.js";
import { openStore } from "./store/open.js";

declare const self: Worker;

/** By the place of the store, for there is one. */
let opened: Promise<Database> | undefined;

self.onmessage = async ({ data }: MessageEvent<DrainQuestion>): Promise<void> => {
  self.postMessage(await answer(data));
};

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
