/** Forgets what is older than the operator wants it kept: one process at a time, and a little at a time. */
import type { Retention } from "../config/config.js";
import { type Clock, DAY_MS } from "../kernel/clock.js";
import { FORGET_AT_ONCE, FORGET_PAUSE_MS, IDEMPOTENCY_MS } from "../kernel/limits.js";
import type { Log } from "../kernel/log.js";
import { CALENDAR, monthNumber, periodAt } from "../kernel/period.js";

const JOB = "retention";
/** A process that stopped in the middle of its turn loses it after this long. */
const TURN_MS = 60_000;
/** This month and the one before are what estimates look at. */
const CALL_COST_MONTHS = 2;

type Store = {
  readonly forgetRequests: (page: {
    readonly before: number;
    readonly after: string;
    readonly count: number;
  }) => Promise<{ readonly forgotten: number; readonly last: string | undefined }>;
  readonly foldHours: (before: number, count: number) => Promise<number>;
  readonly forgetUsage: (before: number, count: number) => Promise<number>;
  readonly forgetCallCosts: (beforeMonth: number, count: number) => Promise<number>;
  readonly forgetKeys: (before: number, count: number) => Promise<number>;
};

type Parts = {
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly retention: Retention;
  readonly store: Store;
  /** Takes or keeps a job's turn; false while another process has it. */
  readonly takeTurn: (turn: {
    readonly job: string;
    readonly node: string;
    readonly now: number;
    readonly until: number;
  }) => Promise<boolean>;
  /** Aborts when the process is to end. */
  readonly signal: AbortSignal;
};

/** One round over all there is; nothing where another process has the turn. */
export async function forgetOld(parts: Parts): Promise<void> {
  const { retention, store, clock } = parts;
  if (!(await keepTurn(parts))) return;
  const now = clock.now();
  const forgotten = {
    requests: await forgetRequests(parts, now - retention.requestDays * DAY_MS),
    hours: await toTheEnd(parts, (count) =>
      store.foldHours(midnight(now - retention.hourlyUsageDays * DAY_MS), count),
    ),
    usage: await forgetUsage(parts, now),
    callCosts: await toTheEnd(parts, (count) =>
      store.forgetCallCosts(monthNumber(now) - CALL_COST_MONTHS, count),
    ),
    keys: await toTheEnd(parts, (count) => store.forgetKeys(now - IDEMPOTENCY_MS, count)),
  };
  if (Object.values(forgotten).some((rows) => rows > 0)) parts.log("info", "forgotten", forgotten);
}

async function forgetRequests(parts: Parts, before: number): Promise<number> {
  let after: string | undefined = "";
  let forgotten = 0;
  while (after !== undefined) {
    const page = await parts.store.forgetRequests({ before, after, count: FORGET_AT_ONCE });
    forgotten += page.forgotten;
    after = page.last;
    if (after !== undefined && !(await mayGoOn(parts))) break;
  }
  return forgotten;
}

/** By whole months, so that a statement has all of its lines or none. */
async function forgetUsage(parts: Parts, now: number): Promise<number> {
  const { usageDays } = parts.retention;
  if (usageDays === undefined) return 0;
  const before = periodAt(CALENDAR, now - usageDays * DAY_MS).start;
  return toTheEnd(parts, (count) => parts.store.forgetUsage(before, count));
}

/** Until nothing is left, or it is another process's turn. */
async function toTheEnd(parts: Parts, some: (count: number) => Promise<number>): Promise<number> {
  let forgotten = 0;
  for (;;) {
    const rows = await some(FORGET_AT_ONCE);
    forgotten += rows;
    if (rows === 0 || !(await mayGoOn(parts))) return forgotten;
  }
}

/** SQLite works on this thread: requests get their turn between two batches. */
async function mayGoOn(parts: Parts): Promise<boolean> {
  await parts.clock.sleep(FORGET_PAUSE_MS, parts.signal);
  return !parts.signal.aborted && keepTurn(parts);
}

function keepTurn({ takeTurn, node, clock }: Parts): Promise<boolean> {
  const now = clock.now();
  return takeTurn({ job: JOB, node, now, until: now + TURN_MS });
}

const midnight = (at: number): number => at - (at % DAY_MS);
