/**
 * Asks for jobs that their callers began on a provider's own wire and then left alone: one that failed, was cancelled or
 * came to less than it was charged as is put right without them.
 */
import type { Clock } from "../kernel/clock.js";
import {
  GIVE_UP_ASKS,
  JOB_LOOK_DEADLINE_MS,
  JOB_LOOK_EVERY_MS,
  JOB_LOOK_EVERY_MS_MAX,
  JOB_LOOKS_AT_ONCE,
  JOB_LOOKS_PAGE,
} from "../kernel/limits.js";
import { type Log, reasonOf } from "../kernel/log.js";
import type { LateCostStore, WaitingJob } from "../ledger/late-cost.js";

const JOB = "job_looks";
/** A process that stopped in the middle of its turn loses it after this long: a page takes half of it at most. */
const TURN_MS = 180_000;

type Parts = {
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Pick<LateCostStore, "takeTurn" | "dropVoid" | "jobsToAskFor" | "askJobAgain">;
  /** Whether a job has ended, and is settled by now. Rejects where that cannot be told to the store. */
  readonly look: (job: WaitingJob) => Promise<boolean>;
  /** Ends the waiting for a job, which is free of charge. */
  readonly giveUp: (job: WaitingJob) => Promise<void>;
  /** Aborts when this process ends. */
  readonly stopping: AbortSignal;
};

/** One round over all jobs whose time has come; nothing where another process has the turn. */
export async function lookAfterJobs(parts: Parts): Promise<void> {
  if (!(await takeTurn(parts, TURN_MS))) return;
  await lookAfterAll(parts);
  // Whoever comes next need not wait until it is over by itself.
  await takeTurn(parts, 0);
}

async function lookAfterAll(parts: Parts): Promise<void> {
  const { store, clock, stopping } = parts;
  await store.dropVoid();
  const now = clock.now();
  let last = "";
  while (!stopping.aborted) {
    const due = await store.jobsToAskFor({ now, count: JOB_LOOKS_PAGE });
    const [first] = due;
    // Each is asked for later again, or settled: one that is still there would be there for ever.
    if (!first || first.requestId === last) return;
    last = first.requestId;
    await eachOf(due, JOB_LOOKS_AT_ONCE, (job) => lookAfter(parts, job));
    if (!(await takeTurn(parts, TURN_MS))) return;
  }
}

function takeTurn({ store, node, clock }: Parts, forMs: number): Promise<boolean> {
  const now = clock.now();
  return store.takeTurn({ job: JOB, node, now, until: now + forMs });
}

async function lookAfter(parts: Parts, job: WaitingJob): Promise<void> {
  const { clock, log, store, stopping } = parts;
  const { provider, requestId: request, asks } = job;
  const hasEnded = await parts.look(job).catch((thrown) => {
    log("warn", "job_not_settled", { provider, request, why: reasonOf(thrown) });
    return false;
  });
  if (hasEnded || stopping.aborted) return;
  const now = clock.now();
  if (now - job.begunAt >= JOB_LOOK_DEADLINE_MS && asks + 1 >= GIVE_UP_ASKS) {
    await parts.giveUp(job);
    log("error", "job_given_up", { provider, request });
  } else {
    await store.askJobAgain(request, now + pauseAfter(asks));
  }
}

/** Twice as long each time. */
const pauseAfter = (asks: number): number =>
  Math.min(JOB_LOOK_EVERY_MS * 2 ** asks, JOB_LOOK_EVERY_MS_MAX);

/** So many at a time. */
async function eachOf<One>(
  all: readonly One[],
  atOnce: number,
  work: (one: One) => Promise<void>,
): Promise<void> {
  const left = all.values();
  const worker = async (): Promise<void> => {
    for (const one of left) await work(one);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
