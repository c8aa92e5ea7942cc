/** This node's claim on its leases: renewed in time, let go in time, and begun anew after others took it away. */
import type { Clock } from "../../kernel/clock.js";
import { RouterError } from "../../kernel/errors.js";
import type { Log } from "../../kernel/log.js";
import type { ClaimStore } from "../../ledger/claim.js";
import type { Leases } from "../../ledger/lease-book.js";

type Parts = {
  readonly node: string;
  readonly validMs: number;
  readonly book: Pick<Leases, "allowUntil" | "forfeit">;
  readonly store: Pick<ClaimStore, "renewClaim" | "rejoinNode">;
  readonly clock: Clock;
  readonly log: Log;
  /** Brings all that was settled on the lost leases into the store, and all reports of them to an end. */
  readonly windUp: () => Promise<void>;
  /** Learns anew what may have changed while nobody told this node. */
  readonly catchUp: () => Promise<void>;
};

type Moment = { readonly now: number; readonly elapsed: number };

const NEVER: Moment = { now: Number.NEGATIVE_INFINITY, elapsed: Number.NEGATIVE_INFINITY };

export class Claim {
  private readonly parts: Parts;
  /** Just before the renewal was sent that the store heard last. */
  private renewedAt = NEVER;
  private renewing: Promise<void> | undefined;
  /** Fenced, and not back yet. */
  private isLost = false;

  constructor(parts: Parts) {
    this.parts = parts;
    parts.book.allowUntil(NEVER.now);
  }

  /** Resolves while the leases may be spent; throws `store_unavailable` when that cannot be had. */
  async ensure(): Promise<void> {
    if (!this.isValid()) await this.renew().catch(storeAway);
  }

  /** Tells the store that this node is there. Throws when it does not answer. */
  renew(): Promise<void> {
    this.renewing ??= this.renewOnce().finally(() => {
      this.renewing = undefined;
    });
    return this.renewing;
  }

  /** Ends a claim that is over. Only a clock that was turned back makes this find something to do. */
  check(): void {
    if (!this.isValid()) this.parts.book.allowUntil(NEVER.now);
  }

  /**
   * By two clocks: one that nobody turns back, and one that goes on while the machine sleeps. The earlier end counts.
   */
  private isValid(): boolean {
    const { clock, validMs } = this.parts;
    const { now, elapsed } = this.renewedAt;
    return clock.now() < now + validMs && clock.elapsed() < elapsed + validMs;
  }

  private async renewOnce(): Promise<void> {
    const { node, store } = this.parts;
    const sentAt = this.moment();
    if (!this.isLost && (await store.renewClaim(node, sentAt.now))) this.extend(sentAt);
    else await this.beginAnew();
  }

  private async beginAnew(): Promise<void> {
    const { node, book, store, log, windUp, catchUp } = this.parts;
    if (!this.isLost) log("warn", "node_fenced", { node });
    this.isLost = true;
    book.allowUntil(NEVER.now);
    book.forfeit();
    await windUp();
    await catchUp();
    const sentAt = this.moment();
    await store.rejoinNode(node, sentAt.now);
    // A lease that was asked for in between went with the others.
    book.forfeit();
    this.isLost = false;
    this.extend(sentAt);
    log("info", "node_rejoined", { node });
  }

  private extend(sentAt: Moment): void {
    this.renewedAt = sentAt;
    this.parts.book.allowUntil(sentAt.now + this.parts.validMs);
  }

  private moment(): Moment {
    const { clock } = this.parts;
    return { now: clock.now(), elapsed: clock.elapsed() };
  }
}

/** Says `store_unavailable`, for what went wrong with the store where a caller waits for it. */
export function storeAway(cause: unknown): never {
  throw new RouterError(
    "store_unavailable",
    "Your credit cannot be checked right now, because the store does not answer. Try again shortly.",
    { retryAfterSeconds: 1 },
    { cause },
  );
}
