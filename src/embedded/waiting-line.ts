/** Requests that wait for one engine: first come, first served, and no more than there is room for. */
import { Refusal } from "./refusal.js";

export type LineLimits = { readonly waitingMax: number; readonly waitingBytesMax: number };

type Waiter = { readonly bytes: number; readonly enter: () => void };

const RETRY_AFTER_SECONDS = "2";

export class WaitingLine {
  private readonly limits: LineLimits;
  private readonly waiters = new Set<Waiter>();
  private waitingBytes = 0;
  private isTaken = false;

  constructor(limits: LineLimits) {
    this.limits = limits;
  }

  get isEmpty(): boolean {
    return !this.isTaken && this.waiters.size === 0;
  }

  /** Resolves when it is this request's turn, to the function that ends it. Throws a 429 where there is no room. */
  async enter(bytes: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.isTaken) await this.wait(bytes, signal);
    this.isTaken = true;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.next();
    };
  }

  private wait(bytes: number, signal: AbortSignal): Promise<void> {
    const { waitingMax, waitingBytesMax } = this.limits;
    if (this.waiters.size >= waitingMax || this.waitingBytes + bytes > waitingBytesMax) {
      throw new Refusal(429, "Too many requests wait for this engine. Try again.", {
        "retry-after": RETRY_AFTER_SECONDS,
      });
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.waiters.delete(waiter);
        this.waitingBytes -= bytes;
        signal.removeEventListener("abort", giveUp);
      };
      const giveUp = (): void => {
        leave();
        reject(signal.reason);
      };
      const waiter: Waiter = {
        bytes,
        enter: () => {
          leave();
          resolve();
        },
      };
      this.waiters.add(waiter);
      this.waitingBytes += bytes;
      signal.addEventListener("abort", giveUp);
    });
  }

  /** The place goes from hand to hand, so that nobody can step in between. */
  private next(): void {
    const [first] = this.waiters;
    if (first) first.enter();
    else this.isTaken = false;
  }
}
