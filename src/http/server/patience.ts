/** What a connection can wait for its caller to do, and for how long at most. */
const MS_MAX = {
  /** To send the rest of a head, from its first byte on. */
  head: 30_000,
  /** To send more of a body that is waited for. */
  body: 60_000,
  /** To take something of what is there for it. */
  taking: 300_000,
  /** To ask something else. Balancers in between should give up sooner. */
  request: 600_000,
  /** To close, once it has the last answer. What it still sends is thrown away, so that the answer can be read. */
  farewell: 5_000,
} as const;

export type Wait = keyof typeof MS_MAX;

export class Patience {
  private wait: Wait | undefined;
  private since = 0;

  /** The caller did something of what is waited for. */
  renew(): void {
    this.wait = undefined;
  }

  /** Whether a connection that waits for `wait` has waited too long; to be asked every second. */
  isOver(wait: Wait | undefined, now: number): wait is Wait {
    if (wait !== this.wait) this.since = now;
    this.wait = wait;
    return wait !== undefined && now - this.since > MS_MAX[wait];
  }
}
