/** Finds nodes that fell silent, and takes their claims away. */
import type { Clock } from "../kernel/clock.js";
import type { Log } from "../kernel/log.js";
import { type ClaimStore, fenceAfterMs } from "../ledger/claim.js";

type Parts = {
  readonly node: string;
  readonly store: Pick<ClaimStore, "otherClaims" | "fenceNode">;
  readonly clock: Clock;
  readonly log: Log;
  /** How often the returned function is called; where it was not, nothing was heard of anybody. */
  readonly everyMs: number;
};

/**
 * Returns what has to be called again and again. Only silence that this node heard itself counts, while it could
 * have heard something: after the store was away, all nodes have their full time again to come back.
 */
export function claimWatch({ node, store, clock, log, everyMs }: Parts): () => Promise<void> {
  const heard = new Map<string, { beat: number; at: number }>();
  let looked = Number.NEGATIVE_INFINITY;
  return async () => {
    const askedAt = clock.elapsed();
    const claims = await store.otherClaims(node);
    if (askedAt - looked > 3 * everyMs) heard.clear();
    looked = clock.elapsed();
    const open = new Set(claims.map((claim) => claim.node));
    for (const id of heard.keys()) if (!open.has(id)) heard.delete(id);
    for (const claim of claims) {
      const before = heard.get(claim.node);
      if (before?.beat !== claim.beat) heard.set(claim.node, { beat: claim.beat, at: looked });
      else if (askedAt - before.at >= fenceAfterMs(claim.validMs)) await fence(claim);
    }
  };

  async function fence(claim: { readonly node: string; readonly beat: number }): Promise<void> {
    const isDone = await store.fenceNode(claim, clock.now());
    if (isDone) log("warn", "silent_node_fenced", { node: claim.node });
  }
}
