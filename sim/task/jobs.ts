import { boundedMap } from "../bounded.js";
import type { Call } from "../call.js";
import type { Json } from "../json.js";
import { JOBS_MAX } from "../limits.js";
import type { Units } from "../units.js";
import { wait } from "../wait.js";
import type { Refused } from "./answer.js";
import type { TaskAsk } from "./ask.js";
import { recordTask } from "./record.js";

export type Phase = "queued" | "running" | "succeeded" | "failed" | "canceled";

/** What a job will come to. */
export type JobPlan = {
  readonly id: string;
  readonly model: string;
  /** In the provider's own form, as its polls print it. */
  readonly output: Json;
  readonly units: Units;
  readonly cost?: bigint;
  /** Where the path does not say it. */
  readonly task?: string;
  /** Why the job will fail by itself, dials or not: the provider checks what it was given only later. */
  readonly fails?: { readonly status: number; readonly detail: Json };
};

export type Job = JobPlan & {
  /** The request that submitted it, with the dials that decide how it goes. */
  readonly call: Call;
  readonly task: string;
  /** Milliseconds UTC. */
  readonly createdAt: number;
  phase: Phase;
  endedAt: number | undefined;
  polls: number;
  /** Answers that told the end. */
  told: number;
};

export type Jobs = ReturnType<typeof makeJobs>;

export const makeJobs = () => boundedMap<Job>({ entries: JOBS_MAX });

const keyOf = (call: Call, id: string): string => `${call.provider.id} ${id}`;

/** Starts a job. Its line in the delivery log is written when it ends, under the id of this request. */
export function submit(ask: TaskAsk, plan: JobPlan): Job {
  const { call, task } = ask;
  const job: Job = {
    ...plan,
    call,
    task: plan.task ?? task,
    createdAt: Date.now(),
    phase: "queued",
    endedAt: undefined,
    polls: 0,
    told: 0,
  };
  call.state.jobs.set(keyOf(call, job.id), job);
  const { job_ms: ms = 0, job_polls: polls = 0 } = call.dials;
  if (ms === 0 && polls === 0) finish(job);
  // A job also ends when nobody asks: the provider charges for it all the same.
  else if (polls === 0) setTimeout(() => finish(job), ms).unref();
  return job;
}

export const isOver = ({ phase }: Job): boolean => phase !== "queued" && phase !== "running";

/** Ends a job that is due and still runs. */
function finish(job: Job): void {
  const { state, number, dials } = job.call;
  if (isOver(job) || dials.job_stall) return;
  const failed =
    job.fails !== undefined || state.roll(number, "job fails") < (dials.job_fail_rate ?? 0);
  end(job, failed ? "failed" : "succeeded");
}

/** Ends a job as told, if it still runs. A canceled one owes nothing. */
export function end(job: Job, phase: Phase): void {
  if (isOver(job)) return;
  job.phase = phase;
  job.endedAt = Date.now();
  const succeeded = phase === "succeeded";
  recordTask(job.call, {
    task: job.task,
    model: job.model,
    status: 200,
    units: succeeded ? job.units : {},
    cost: job.cost,
    outcome: succeeded ? "complete" : phase === "canceled" ? "aborted" : "failed",
  });
}

/**
 * One look at a job by its submitter, or what the dials make of the look: an error, a job nobody
 * knows, an end that is taken back.
 */
export function poll(ask: TaskAsk, id: string): Job | Refused {
  const { call, dials } = ask;
  const job = call.state.jobs.get(keyOf(call, id));
  if (!job || dials.job_lost || job.call.key !== call.key) return noSuchJob(id);
  job.polls += 1;
  const status = dials.job_error_status;
  if (status !== undefined && job.polls <= (dials.job_error_polls ?? Infinity)) {
    return { refused: { kind: "server_error", about: id, status } };
  }
  return look(job);
}

/** The job as it is now: a poll may be what ends it. */
function look(job: Job): Job {
  const { job_ms: ms = 0, job_polls: polls = 0, job_end_twice: twice } = job.call.dials;
  if (!isOver(job)) {
    if (job.polls > 1) job.phase = "running";
    if (job.polls > polls && Date.now() >= job.createdAt + ms) finish(job);
  }
  if (!isOver(job)) return job;
  job.told += 1;
  if (!twice || job.told === 1) return job;
  return { ...job, phase: job.phase === "succeeded" ? "failed" : "succeeded" };
}

const noSuchJob = (id: string): Refused => ({ refused: { kind: "not_found", about: id } });

/** What the provider says of a job that failed. */
export const reasonOf = (job: Job): string =>
  job.call.dials.job_fail_message ??
  (typeof job.fails?.detail === "string" ? job.fails.detail : "the simulator made this job fail");

/** For answers that wait for the job. Says whether it is over by then. */
export async function waitForJob(
  job: Job,
  withinMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { job_ms: ms = 0, job_polls: polls = 0, job_stall: stall } = job.call.dials;
  if (isOver(job)) return true;
  const due = polls > 0 || stall ? Infinity : Math.max(0, job.createdAt + ms - Date.now());
  const waited = await wait(Math.min(due, withinMs), signal);
  if (waited && due <= withinMs) finish(job);
  return isOver(job);
}

/** The output of a job that succeeded, or nothing where the dials withhold it. */
export const outputOf = (job: Job): Json | undefined =>
  job.phase === "succeeded" && !job.call.dials.result_missing ? job.output : undefined;

/** The provider's word for the state a job is in, or the word that a dial puts there. */
export const wordFor = (ask: TaskAsk, job: Job, words: { readonly [phase in Phase]: string }) =>
  ask.dials.job_state ?? job.call.dials.job_state ?? words[job.phase];
