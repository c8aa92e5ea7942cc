import type { Call } from "../call.js";
import type { Json } from "../json.js";
import { wait } from "../wait.js";
import type { Refused } from "./answer.js";
import type { TaskAsk } from "./ask.js";
import type { Job, JobPlan, Phase } from "./job.js";
import { recordTask } from "./record.js";

const keyOf = (call: Call, id: string): string => `${call.provider.id} ${id}`;

/** Starts a job. Its line in the delivery log is written when it ends, under the id of this request. */
export function submit(ask: TaskAsk, plan: JobPlan): Job {
  const { call, task } = ask;
  const { state, number, key, dials } = call;
  const job: Job = {
    ...plan,
    task: plan.task ?? task,
    ...{ number, key, dials },
    isUnlucky: state.roll(number, "job fails") < (dials.job_fail_rate ?? 0),
    createdAt: Date.now(),
    phase: "queued",
    endedAt: undefined,
    polls: 0,
    told: 0,
    onEnd: (ended) => recordEnd(call, ended),
  };
  state.jobs.set(keyOf(call, job.id), job);
  const { job_ms: ms = 0, job_polls: polls = 0 } = dials;
  if (ms === 0 && polls === 0) finish(job);
  // A job also ends when nobody asks: the provider charges for it all the same.
  else if (polls === 0) setTimeout(() => finish(job), ms).unref();
  return job;
}

export const isOver = ({ phase }: Job): boolean => phase !== "queued" && phase !== "running";

/** Ends a job that is due and still runs. */
function finish(job: Job): void {
  if (isOver(job) || job.dials.job_stall) return;
  end(job, job.fails !== undefined || job.isUnlucky ? "failed" : "succeeded");
}

/** Ends a job as told, if it still runs. */
export function end(job: Job, phase: Phase): void {
  if (isOver(job)) return;
  job.phase = phase;
  job.endedAt = Date.now();
  job.onEnd(job);
}

/** A canceled one owes nothing. */
function recordEnd(call: Call, { task, model, units, cost, phase }: Job): void {
  const succeeded = phase === "succeeded";
  recordTask(call, {
    task,
    model,
    status: 200,
    units: succeeded ? units : {},
    cost,
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
  if (!job || dials.job_lost || job.key !== call.key) return noSuchJob(id);
  job.polls += 1;
  const status = dials.job_error_status;
  if (status !== undefined && job.polls <= (dials.job_error_polls ?? Infinity)) {
    return { refused: { kind: "server_error", about: id, status } };
  }
  return look(job);
}

/** The job as it is now: a poll may be what ends it. */
function look(job: Job): Job {
  const { job_ms: ms = 0, job_polls: polls = 0, job_end_twice: twice } = job.dials;
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
  job.dials.job_fail_message ??
  (typeof job.fails?.detail === "string" ? job.fails.detail : "the simulator made this job fail");

/** For answers that wait for the job. Says whether it is over by then. */
export async function waitForJob(
  job: Job,
  withinMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { job_ms: ms = 0, job_polls: polls = 0, job_stall: stall } = job.dials;
  if (isOver(job)) return true;
  const due = polls > 0 || stall ? Infinity : Math.max(0, job.createdAt + ms - Date.now());
  const waited = await wait(Math.min(due, withinMs), signal);
  if (waited && due <= withinMs) finish(job);
  return isOver(job);
}

/** The output of a job that succeeded, or nothing where the dials withhold it. */
export const outputOf = (job: Job): Json | undefined =>
  job.phase === "succeeded" && !job.dials.result_missing ? job.output : undefined;

/** The provider's word for the state a job is in, or the word that a dial puts there. */
export const wordFor = (ask: TaskAsk, job: Job, words: { readonly [phase in Phase]: string }) =>
  ask.dials.job_state ?? job.dials.job_state ?? words[job.phase];
