/**
 * Drains this process's spool in a thread of its own, so that no request waits while the store is written and no
 * garbage collection of the request path visits what a drain leaves behind.
 */

import type { Worker } from "node:worker_threads";
import type { Clock } from "../kernel/clock.js";
import type { SpoolPosition } from "../ledger/store.js";
import { isEnd, spoolStart } from "./drain.js";
import { Pace } from "./pace.js";
import type { ProcessorTime } from "./processor-time.js";

export type DrainQuestion =
  | {
      readonly kind: "drain";
      /** As `openStore` takes it. */
      readonly place: string;
      readonly folder: string;
      readonly node: string;
      readonly from: SpoolPosition;
      /** The first segment that has to stay, whatever is drained. */
      readonly neededSegment: number;
    }
  | { readonly kind: "close" };

export type DrainedBatch = {
  readonly upTo: SpoolPosition;
  /** Of what was spooled when the batch began, what it left. */
  readonly leftBytes: number;
  readonly took: ProcessorTime;
};

export type DrainAnswer =
  | { readonly ok: true; readonly batch: DrainedBatch | undefined }
  | { readonly ok: false; readonly reason: string };

/** As much of a thread as is made use of. */
export type DrainThread = Pick<Worker, "postMessage" | "on" | "ref" | "unref" | "terminate">;

type Parts = {
  readonly place: string;
  readonly folder: string;
  readonly node: string;
  readonly clock: Pick<Clock, "elapsed">;
  /** The spool that grows meanwhile. */
  readonly spool: {
    readonly position: () => SpoolPosition;
    readonly oldestOpenSegment: () => number;
  };
  readonly startThread: () => DrainThread;
};

type Waiter = {
  readonly resolve: (answer: DrainAnswer) => void;
  readonly reject: (reason: Error) => void;
};

export class Drainer {
  private readonly parts: Parts;
  private readonly pace = new Pace();
  private thread: DrainThread | undefined;
  private waiter: Waiter | undefined;
  private at = spoolStart;
  private last: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** Applies all that is spooled, at full speed. One drain at a time; whoever asks while one runs gets the next one. */
  drain(): Promise<void> {
    return this.afterLast(async () => {
      while (await this.drainSome());
    });
  }

  /** Goes on with the drain as long as requests have all processors they want: for when nobody waits for it. */
  drainAside(): Promise<void> {
    return this.afterLast(async () => {
      const { elapsed } = this.parts.clock;
      while (!this.pace.isPausing(elapsed()) && (await this.drainSome()));
    });
  }

  /** Ends the thread, and the thread's connection to the store. */
  async stop(): Promise<void> {
    await this.last.catch(() => undefined);
    if (this.thread) await this.ask({ kind: "close" }).catch(() => undefined);
    void this.thread?.terminate();
    this.thread = undefined;
  }

  private afterLast(next: () => Promise<void>): Promise<void> {
    this.last = this.last.then(next, next);
    return this.last;
  }

  /** Applies one batch. Returns whether there was more when it began. */
  private async drainSome(): Promise<boolean> {
    const { place, folder, node, spool, clock } = this.parts;
    const from = this.at;
    if (isEnd(from, spool.position())) return false;
    const neededSegment = spool.oldestOpenSegment();
    const answer = await this.ask({ kind: "drain", place, folder, node, from, neededSegment });
    if (!answer.ok) throw new Error(answer.reason);
    if (!answer.batch) return false;
    const { upTo, leftBytes } = answer.batch;
    this.at = upTo;
    this.pace.ended(answer.batch, clock.elapsed());
    return leftBytes > 0 && !isEnd(from, upTo);
  }

  private ask(question: DrainQuestion): Promise<DrainAnswer> {
    this.thread ??= this.start();
    // A process that is about to end must wait for its answer, and for nothing else.
    this.thread.ref();
    this.thread.postMessage(question);
    return new Promise((resolve, reject) => {
      this.waiter = { resolve, reject };
    });
  }

  private start(): DrainThread {
    const thread = this.parts.startThread();
    thread.on("message", (answer: DrainAnswer) => {
      thread.unref();
      this.waiter?.resolve(answer);
    });
    thread.on("error", (thrown: Error) => {
      // The next drain starts another one, and asks for the same again.
      if (this.thread === thread) this.thread = undefined;
      this.waiter?.reject(thrown);
    });
    return thread;
  }
}
