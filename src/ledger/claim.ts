/**
 * A node's claim: its right to spend what it has leased. It renews it in the store again and again, and stops
 * spending when it could not for `validMs`. Others that see no renewal for `fenceAfterMs` may fence it: from then
 * on its leases are there for whoever needs them.
 *
 * No clock is ever compared with another one. The node counts from before it sent its last renewal, the others
 * from after they first saw it, each on a clock of their own. So the order holds as long as no two clocks run at
 * speeds that differ by a third.
 */
import type { NanoUsd } from "../kernel/money.js";

/** A third longer than its owner goes on by itself: see above. */
export const fenceAfterMs = (validMs: number): number => Math.ceil((validMs * 4) / 3);

/** What others have to know of a node to tell whether it is silent. */
export type Claim = {
  readonly node: string;
  /** Moves with every renewal. */
  readonly beat: number;
  readonly validMs: number;
};

/** What a node says of itself when it opens. */
export type NodeAbout = { readonly host: string; readonly validMs: number };

export type NodeState = "open" | "fenced" | "closed";

/** A node as people see it. Times are by the clock of whoever wrote them. */
export type NodeView = {
  readonly id: string;
  readonly host: string;
  readonly state: NodeState;
  readonly validMs: number;
  readonly openedAt: number;
  readonly lastHeartbeatAt: number;
  readonly fencedAt: number | undefined;
  readonly closedAt: number | undefined;
  /** In all funds together: what it has set aside, spent and not yet drained or free. Limits are not counted. */
  readonly leased: NanoUsd;
};

/** What claims ask of storage. */
export type ClaimStore = {
  /** Opening the same node twice does nothing. */
  readonly openNode: (node: string, at: number, about?: NodeAbout) => Promise<void>;
  /** False when the claim is gone: the node was fenced, or closed. */
  readonly renewClaim: (node: string, at: number) => Promise<boolean>;
  /** The claims of all open nodes but this one. */
  readonly otherClaims: (node: string) => Promise<readonly Claim[]>;
  /** Takes a claim away, unless it was renewed meanwhile; whether it did. */
  readonly fenceNode: (claim: Pick<Claim, "node" | "beat">, at: number) => Promise<boolean>;
  /** Lets a fenced node begin anew, with no lease. Its spool must have been applied first. */
  readonly rejoinNode: (node: string, at: number) => Promise<void>;
  /** Gives back everything a node that is gone had leased; its spool must have been applied first. */
  readonly closeNode: (node: string, at: number) => Promise<void>;
  /** Closes the nodes that were fenced before a moment. Returns how many. */
  readonly closeLost: (before: number, at: number) => Promise<number>;
  /** All nodes that are not closed, or were closed after `since`; the oldest first. */
  readonly nodes: (since: number) => Promise<readonly NodeView[]>;
};
