/** This process as a node: its place in the ledger, its folder, and the spool in it. */
import { mkdirSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { Spool } from "../gateway/money/spool.js";
import { Drainer, type DrainThread } from "../jobs/drainer.js";
import { recoverDead } from "../jobs/recover.js";
import { assert } from "../kernel/errors.js";
import { newId } from "../kernel/ids.js";
import { tryLock } from "../store/sqlite/process-lock.js";
import type { AppParts } from "./parts.js";
import { openStores, type Stores, storePlace } from "./stores.js";

export type Node = {
  readonly id: string;
  readonly stores: Stores;
  readonly spool: Spool;
  readonly drainer: Drainer;
  /** For when all is drained and given back: leaves the ledger, closes the store, and removes the folder. */
  readonly close: () => Promise<void>;
};

/** Opens the store, does for dead processes what they left undone, and enters the ledger as a new node. */
export async function openNode(
  { config, clock, log }: AppParts,
  startThread: () => DrainThread,
): Promise<Node> {
  const id = newId();
  const spoolRoot = join(config.dataFolder, "spool");
  mkdirSync(spoolRoot, { recursive: true, mode: 0o700 });
  const stores = await openStores(config, id, clock);
  const { ledger } = stores;
  await recoverDead(spoolRoot, { store: ledger, tryLock, clock, log });

  const folder = join(spoolRoot, id);
  const unlock = tryLock(folder);
  assert(unlock, "a new process has a folder of its own");
  const validMs = config.limits.leaseValidMs;
  await ledger.openNode(id, clock.now(), { host: hostname(), validMs });
  const spool = new Spool(folder, config.durability, log);
  const place = storePlace(config);
  const drainer = new Drainer({ place, folder, node: id, clock, spool, startThread });
  const close = async (): Promise<void> => {
    await ledger.closeNode(id, clock.now());
    const isAllKept = await ledger.isDurable();
    await stores.database.close();
    unlock();
    // All of it is in the store. Where that is not for sure, the next process that starts looks again.
    if (!isAllKept) return;
    rmSync(folder, { recursive: true });
    rmSync(`${folder}.lock`, { force: true });
  };
  return { id, stores, spool, drainer, close };
}
