/** Asks for a job as its caller would, and settles it when its end is seen. */
import type { Mapping } from "../../catalog/model.js";
import type { JobLook } from "../../ledger/late-cost.js";
import type { ProviderReply, ProviderRequest } from "../../providers/provider.js";
import type { Candidate } from "../../routing/policy.js";
import { type Caller, Deadline } from "../deadline.js";
import { type Asking, begin, readReply } from "../task/task-exchange.js";
import { pause } from "../task/task-send.js";
import { configuredFor } from "../turn.js";
import type { Jobs } from "./jobs.js";
import { type Ended, type Settling, settleJob } from "./settle-job.js";
import { isRefusal, stepOf } from "./step.js";

export type Looking = Settling & {
  readonly jobs: Jobs;
  readonly mapping: Mapping;
  readonly key: string | undefined;
  readonly keySource: Candidate["keySource"];
};

/** The state, what it leads to, and once more where that leads on. */
const QUESTIONS_MAX = 3;

/**
 * Whether the job has ended, and is settled by now. False for one that goes on, or of which nothing is to be learned within
 * `limitMs`. Rejects where the store cannot be told.
 */
export async function lookAtJob(
  looking: Looking,
  caller: Caller,
  limitMs: number,
): Promise<boolean> {
  const { gateway, mapping, keySource, key, job, jobs } = looking;
  const { clock } = gateway;
  if (job.look === undefined) return false;
  const now = clock.elapsed();
  const deadline = new Deadline(clock, caller, now + limitMs, limitMs);
  const candidate: Candidate = { mapping, keySource, expectedCost: 0, doubt: undefined };
  const turn = { candidate, deadline, time: undefined, begunAt: now, sentAt: now };
  const configured = configuredFor(gateway, candidate);
  const call = { id: gateway.newId() };
  const asking: Asking = { gateway, call, turn, configured, key, onHead: undefined };
  try {
    const ended = await endOf(asking, job.look).catch(() => undefined);
    if (ended) await jobs.settleOnce(job, () => settleJob(looking, asking, ended));
    return ended !== undefined;
  } finally {
    deadline.end();
  }
}

/** Undefined while it goes on, and where the provider says nothing of use. */
async function endOf(asking: Asking, { path, host }: JobLook): Promise<Ended | undefined> {
  let request: ProviderRequest = { method: "GET", path, ...(host !== undefined && { host }) };
  for (let asked = 0; asked < QUESTIONS_MAX; asked++) {
    const reply = await replyTo(asking, request);
    const step = stepOf(asking.gateway, asking.turn.candidate, reply);
    // A job that is said to be complete, and whose result is refused for good, came to nothing: so fal tells of a failure.
    if (asked > 0 && isRefusal(reply)) return { reply, step: NO_RESULT };
    if (step?.kind !== "send") return step && { reply, step };
    if (step.request.path === request.path) return undefined;
    request = step.request;
    await pause(asking, step.afterMs);
  }
  return undefined;
}

const NO_RESULT = { kind: "failed", message: "the result is refused" } as const;

async function replyTo(asking: Asking, request: ProviderRequest): Promise<ProviderReply> {
  const exchange = await begin(asking, request);
  const { head } = exchange;
  if (!head) throw new Error("an answer without a head");
  return readReply(asking, request, { head, exchange });
}
