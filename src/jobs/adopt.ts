/** Recovers spools that other machines left behind, where no lock can tell whether their process still runs. */
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { Clock } from "../kernel/clock.js";
import { HEARTBEAT_MS } from "../kernel/limits.js";
import type { Log } from "../kernel/log.js";
import { type Claim, fenceAfterMs } from "../ledger/claim.js";
import type { LedgerStore } from "../ledger/store.js";
import {
  type NotRecovered,
  type Recovered,
  recoverFolder,
  spoolsIn,
  type TryLock,
} from "./recover.js";
import { claimWatch } from "./watch-claims.js";

type Parts = {
  /** What this process is called where claims are compared; it has none itself. */
  readonly node: string;
  readonly store: LedgerStore;
  readonly tryLock: TryLock;
  readonly clock: Clock;
  readonly log: Log;
  /** Told before a wait: which nodes are not known to be gone, and for how long at most. */
  readonly onWait: (nodes: readonly string[], ms: number) => void;
};

export type Adopted = {
  readonly node: string;
  /** `alive`: it was heard of meanwhile, and its spool is its own. */
  readonly outcome: Recovered | NotRecovered | "alive";
};

/** The folders of processes that a path holds: itself, those of a spool, or those of a data folder. */
export function spoolFolders(path: string): string[] {
  if (!existsSync(path)) return [];
  if (readdirSync(path).some((name) => name.endsWith(".spool"))) return [path];
  const inData = join(path, "spool");
  const root = existsSync(inData) ? inData : path;
  return spoolsIn(root).map((node) => join(root, node));
}

/**
 * Brings the spools in these folders into the store and gives their nodes' leases back. A node whose claim is open
 * is waited for until it has been silent for so long that it can be fenced, and left alone if it was not.
 */
export async function adoptSpools(folders: readonly string[], parts: Parts): Promise<Adopted[]> {
  const alive = await waitForSilence(new Set(folders.map((folder) => basename(folder))), parts);
  const adopted: Adopted[] = [];
  for (const folder of folders) {
    const node = basename(folder);
    const outcome = alive.has(node) ? "alive" : await recoverFolder(folder, parts);
    adopted.push({ node, outcome });
  }
  return adopted;
}

/** Which of these nodes are not silent: those that renewed their claim while they were listened to. */
async function waitForSilence(
  wanted: ReadonlySet<string>,
  parts: Parts,
): Promise<ReadonlySet<string>> {
  const first = await openClaims(wanted, parts);
  const alive = new Set<string>();
  if (first.length === 0) return alive;
  const beats = new Map(first.map(({ node, beat }) => [node, beat]));
  parts.onWait([...beats.keys()], Math.max(...first.map(({ validMs }) => fenceAfterMs(validMs))));
  const watch = claimWatch({ ...parts, everyMs: HEARTBEAT_MS });
  for (let open = first; open.length > 0; open = await openClaims(wanted, parts)) {
    for (const { node, beat } of open) if (beats.get(node) !== beat) alive.add(node);
    if (open.every(({ node }) => alive.has(node))) break;
    await watch();
    await parts.clock.sleep(HEARTBEAT_MS);
  }
  return alive;
}

const openClaims = async (
  wanted: ReadonlySet<string>,
  { node, store }: Pick<Parts, "node" | "store">,
): Promise<readonly Claim[]> =>
  (await store.otherClaims(node)).filter((claim) => wanted.has(claim.node));
