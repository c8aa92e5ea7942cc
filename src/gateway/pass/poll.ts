/** Questions about a job, passed on for whoever began it; the first one that sees the result settles it. */
import type { Mapping } from "../../catalog/model.js";
import { type NanoUsd, ZERO } from "../../kernel/money.js";
import { charges } from "../../metering/cost.js";
import { billOf } from "../../metering/reported.js";
import { NOTHING_ASKED } from "../../metering/task-usage.js";
import type { ProviderReply, ProviderRequest, Step } from "../../providers/provider.js";
import type { Candidate } from "../../routing/policy.js";
import { computeTime } from "../../tasks/usage.js";
import { Deadline } from "../deadline.js";
import { exhausted } from "../exhausted.js";
import { chargedPrice } from "../funds.js";
import type { LateBilling } from "../late-billing.js";
import type { Call, Gateway } from "../parts.js";
import { type Failure, whyOf } from "../send.js";
import { type Asking, begin, readReply } from "../task-exchange.js";
import { usageOfTask } from "../task-usage.js";
import { configuredFor } from "../turn.js";
import { answerAs } from "./answer.js";
import type { BegunJob, Jobs } from "./jobs.js";
import { resultOf } from "./pass.js";
import { stepOf } from "./step.js";

export type Poll = {
  readonly gateway: Gateway;
  readonly jobs: Jobs;
  readonly lateBilling: Pick<LateBilling, "settle">;
  /** Has the store hear of all that ended here. */
  readonly drain: () => Promise<void>;
  readonly call: Call;
  readonly job: BegunJob;
  readonly mapping: Mapping;
  readonly key: string | undefined;
  readonly keySource: Candidate["keySource"];
};

/** Answers as the provider did. Throws a RouterError where it does not answer. */
export async function servePoll(poll: Poll, upstream: ProviderRequest): Promise<Response> {
  const { gateway, call, mapping, key, keySource } = poll;
  const { clock, limits } = gateway;
  const endsAt = call.startedAt + limits.totalMs;
  const deadline = new Deadline(clock, call, endsAt, limits.totalMs);
  const candidate: Candidate = { mapping, keySource, expectedCost: 0, doubt: undefined };
  const now = clock.elapsed();
  const turn = { candidate, deadline, time: undefined, begunAt: now, sentAt: now };
  const configured = configuredFor(gateway, candidate);
  const asking: Asking = { gateway, call, turn, configured, key, onHead: undefined };
  try {
    const exchange = await begin(asking, upstream);
    const { head } = exchange;
    if (!head) throw new Error("an answer without a head");
    const reply = await readReply(asking, upstream, { head, exchange });
    const step = stepSeen(gateway, candidate, reply);
    if (step && step.kind !== "send") {
      await poll.jobs.settleOnce(poll.job, () => settleJob(poll, asking, { reply, step }));
    }
    return answerAs(reply, head, { "inference-id": poll.job.requestId });
  } catch (thrown) {
    const failure: Failure = { kind: "failed", why: whyOf(deadline.reason ?? thrown) };
    throw exhausted([`${mapping.provider}:${failure.why}`], [failure]);
  } finally {
    deadline.end();
  }
}

/** Refusals that say nothing of the job: whoever asked may ask again. */
const PASSING = [401, 403, 404, 408, 409, 425, 429, 502, 503, 504];

/** A provider that refuses to show a result for good says so that there is none; fal says it with a 500. */
function stepSeen(gateway: Gateway, candidate: Candidate, reply: ProviderReply): Step | undefined {
  const { status, request } = reply;
  if (request.method !== "GET") return endedBy(stepOf(gateway, candidate, reply));
  if (status >= 400 && !PASSING.includes(status)) {
    return { kind: "failed", message: `status ${status}` };
  }
  return stepOf(gateway, candidate, reply);
}

/** An answer to a wish to cancel: that a job was ended it may say, and a refusal says nothing of the job. */
const endedBy = (step: Step | undefined): Step | undefined =>
  step?.kind === "failed" ? step : undefined;

type Ended = { readonly reply: ProviderReply; readonly step: Exclude<Step, { kind: "send" }> };

/** Charges what the job came to; the store does so once, whichever process sees its result. */
async function settleJob(
  { gateway, lateBilling, drain, job }: Poll,
  asking: Asking,
  ended: Ended,
): Promise<void> {
  const cost = await costOfJob(asking, job, ended);
  // The request that began it must be there before it can be corrected.
  await drain();
  const { requestId, bucketIds } = job;
  const waiting = {
    ...{ requestId, bucketIds, cost: job.cost },
    ...{ providerRequestId: job.job, endedAt: gateway.clock.now(), asks: 0 },
  };
  await lateBilling.settle([{ waiting, outcome: "billed", cost }]);
}

async function costOfJob(asking: Asking, job: BegunJob, ended: Ended): Promise<NanoUsd> {
  const { candidate } = asking.turn;
  const price = chargedPrice(candidate);
  const result = await resultOf(asking, ended);
  if (!result) return ZERO;
  const { reported } = result;
  // Nobody here saw how long it took: what was charged when it began stands.
  if (charges(price, "computeNanoseconds") && reported === undefined) return job.cost;
  const counted = await usageOfTask(job.asked ?? NOTHING_ASKED, candidate, result, "");
  const measured = { ...counted.measured, ...computeTime(0) };
  return billOf({ ...counted, measured }, reported, price).cost;
}
