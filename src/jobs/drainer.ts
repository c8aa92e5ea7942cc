/**
 * Drains this process's spool in a thread of its own, so that no request waits while the store is written and no
 * garbage collection of the request path visits what a drain leaves behind.
 */

import { rmSync } from "node:fs";
import type { Worker } from "node:worker_threads";
import type { SpoolPosition } from "../ledger/store.js";
import { segmentsBefore, spoolStart } from "./drain.js";

export type DrainQuestion =
  | {
      readonly kind: "drain";
      /** As `openStore` takes it. */
      readonly place: string;
      readonly folder: string;
      readonly node: string;
      readonly from: SpoolPosition;
    }
  | { readonly kind: "close" };

export type DrainAnswer =
  | { readonly ok: true; readonly at: SpoolPosition | undefined }
  | { readonly ok: false; readonly reason: string };

type Parts = {
  readonly place: string;
  readonly folder: string;
  readonly node: string;
  /** The spool that grows meanwhile. */
  readonly spool: {
    readonly position: () => SpoolPosition;
    readonly oldestOpenSegment: () => number;
  };
  /** As the store answers it. */
  readonly isDurable: () => Promise<boolean>;
  readonly startThread: () => Worker;
};

type Waiter = {
  readonly resolve: (answer: DrainAnswer) => void;
  readonly reject: (reason: Error) => void;
};

export class Drainer {
  private readonly parts: Parts;
  private thread: Worker | undefined;
  private waiter: Waiter | undefined;
  private at = spoolStart;
  private last: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** Applies all that is spooled. One drain at a time; whoever asks while one runs gets the next one. */
  drain(): Promise<void> {
    const next = () => this.drainOnce();
    this.last = this.last.then(next, next);
    return this.last;
  }

  /** Ends the thread, and the thread's connection to the store. */
  async stop(): Promise<void> {
    await this.last.catch(() => undefined);
    if (this.thread) await this.ask({ kind: "close" }).catch(() => undefined);
    void this.thread?.terminate();
    this.thread = undefined;
  }

  private async drainOnce(): Promise<void> {
    const { place, folder, node, spool, isDurable } = this.parts;
    const { segment, offset } = spool.position();
    if (this.at.segment === segment && this.at.offset === offset) return;
    const answer = await this.ask({ kind: "drain", place, folder, node, from: this.at });
    if (!answer.ok) throw new Error(answer.reason);
    this.at = answer.at ?? this.at;
    const done = segmentsBefore(folder, Math.min(this.at.segment, spool.oldestOpenSegment()));
    // What a loss of power could take out of the store has to be found here again.
    if (done.length > 0 && (await isDurable())) for (const file of done) rmSync(file);
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

  private start(): Worker {
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
