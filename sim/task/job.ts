import { boundedMap } from "../bounded.js";
import type { Dials } from "../dials.js";
import type { Json } from "../json.js";
import { JOBS_MAX } from "../limits.js";
import type { Units } from "../units.js";

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
  readonly task: string;
  /** Of the request that submitted it; its dials decide how the job goes. */
  readonly number: number;
  readonly key: string | undefined;
  readonly dials: Dials;
  /** Chance, as the dials have it, makes it fail. */
  readonly isUnlucky: boolean;
  /** Milliseconds UTC. */
  readonly createdAt: number;
  phase: Phase;
  endedAt: number | undefined;
  polls: number;
  /** Answers that told the end. */
  told: number;
  /** Told once, when it is over. */
  readonly onEnd: (job: Job) => void;
};

export type Jobs = ReturnType<typeof makeJobs>;

export const makeJobs = () => boundedMap<Job>({ entries: JOBS_MAX });
