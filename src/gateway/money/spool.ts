/**
 * The spool: every settlement is in this append-only file before the last byte of its answer goes out, so a
 * process that dies loses nothing. All that ended in one turn of the event loop is written by one call.
 */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  mkdirSync,
  openSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { RouterError } from "../../kernel/errors.js";
import { SPOOL_SEGMENT_BYTES } from "../../kernel/limits.js";
import { type Log, reasonOf } from "../../kernel/log.js";
import type { AwaitedCost } from "../../ledger/late-cost.js";
import { LineBuffer } from "../../ledger/line-buffer.js";
import { printAwaited, printSettled, printStarted } from "../../ledger/spool-print.js";
import type { Ended, Started } from "../../ledger/spool-record.js";
import { type SpoolPosition, segmentFile } from "../../ledger/store.js";

const SYNC_EVERY_MS = 50;
const RETRY_WRITE_MS = 200;

/** `strict` syncs to disk before the answer; `relaxed` every 50 ms, so that a dead machine loses at most that. */
export type Durability = "relaxed" | "strict";

export class Spool {
  private readonly folder: string;
  private readonly durability: Durability;
  private readonly log: Log;
  private segment = 0;
  private file: number;
  private bytes = 0;
  private readonly pending = new LineBuffer();
  private written: Promise<void> | undefined;
  private isDirty = false;
  private isBroken = false;
  private readonly syncing: ReturnType<typeof setInterval>;
  /** By request: in which segment it started. A segment stays until all that started in it has ended. */
  private readonly startedIn = new Map<string, number>();

  constructor(folder: string, durability: Durability, log: Log) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.folder = folder;
    this.durability = durability;
    this.log = log;
    this.file = this.openSegment();
    this.syncing = setInterval(() => this.sync(), SYNC_EVERY_MS);
  }

  /** Notes that a request goes out. Throws while the disk takes no records: what cannot be billed is not sent. */
  started(started: Started): void {
    if (this.isBroken) throw cannotRecord();
    this.startedIn.set(started.id, this.segment);
    printStarted(this.pending, started);
    void this.soon();
  }

  /** Notes that a provider which says later what requests cost begins to answer one. */
  awaits(awaited: AwaitedCost): void {
    printAwaited(this.pending, awaited);
    void this.soon();
  }

  /** Resolves once the settlement is in the file. */
  settled(ended: Ended): Promise<void> {
    this.startedIn.delete(ended.id);
    printSettled(this.pending, ended);
    return this.soon();
  }

  /** Everything before this is in the file. */
  position(): SpoolPosition {
    return { segment: this.segment, offset: this.bytes };
  }

  /** Resolves once everything that was said so far is in the file. */
  async flushed(): Promise<void> {
    await this.written;
  }

  /** The first segment that is still needed for what is under way. */
  oldestOpenSegment(): number {
    let oldest = this.segment;
    for (const segment of this.startedIn.values()) if (segment < oldest) oldest = segment;
    return oldest;
  }

  /** How many requests have started and not ended. */
  openRequests(): number {
    return this.startedIn.size;
  }

  async close(): Promise<void> {
    clearInterval(this.syncing);
    await this.written;
    fdatasyncSync(this.file);
    closeSync(this.file);
  }

  /** Resolves once all that is pending is in the file. */
  private soon(): Promise<void> {
    this.written ??= this.writeLater();
    return this.written;
  }

  /** By itself, and not where every record comes along: these functions would cost each of them a scope. */
  private writeLater(): Promise<void> {
    return new Promise((resolve) => setImmediate(() => this.write(resolve)));
  }

  private write(done: () => void): void {
    const lines = this.pending.content();
    try {
      if (this.bytes >= SPOOL_SEGMENT_BYTES) this.nextSegment();
      // After a failure part of a line may stand at the end of the file; a line break keeps it apart.
      this.bytes += writeAll(this.file, this.isBroken ? Buffer.concat([LINE_BREAK, lines]) : lines);
      if (this.durability === "strict") fdatasyncSync(this.file);
      else this.isDirty = true;
    } catch (thrown) {
      // The answers wait, new requests are refused, and nothing is forgotten: the same lines are tried again.
      this.isBroken = true;
      this.bytes = fstatSync(this.file).size;
      this.log("error", "spool_write_failed", { reason: reasonOf(thrown) });
      setTimeout(() => this.write(done), RETRY_WRITE_MS);
      return;
    }
    this.isBroken = false;
    this.pending.clear();
    this.written = undefined;
    done();
  }

  private nextSegment(): void {
    const full = this.file;
    this.segment++;
    this.bytes = 0;
    this.file = this.openSegment();
    fdatasyncSync(full);
    closeSync(full);
  }

  private openSegment(): number {
    return openSync(join(this.folder, segmentFile(this.segment)), "a", 0o600);
  }

  private sync(): void {
    if (!this.isDirty) return;
    this.isDirty = false;
    fdatasync(this.file, (failed) => {
      // The file may have been closed for the next segment, which synced it.
      if (failed && failed.code !== "EBADF") {
        this.log("error", "spool_sync_failed", { reason: reasonOf(failed) });
      }
    });
  }
}

/** How many bytes that were. A full disk can take a part of them; a line cut that way is completed by its rest. */
function writeAll(file: number, bytes: Buffer): number {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
  return bytes.length;
}

const LINE_BREAK = Buffer.from("\n");

const cannotRecord = () =>
  new RouterError(
    "store_unavailable",
    "Turnpike cannot record charges right now (its spool cannot be written), so it takes no requests. Try again shortly.",
  );
