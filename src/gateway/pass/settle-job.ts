/** What a job came to is charged once it is known, in place of what it was charged as when it began. */
import { least, type NanoUsd, ZERO } from "../../kernel/money.js";
import type { AwaitedJob, WaitingCost } from "../../ledger/late-cost.js";
import { charges } from "../../metering/cost.js";
import { billOf } from "../../metering/reported.js";
import { type Asked, NOTHING_ASKED } from "../../metering/task-usage.js";
import type { ProviderReply, Step } from "../../providers/provider.js";
import { computeTime } from "../../tasks/usage.js";
import { chargedPrice } from "../money/funds.js";
import type { LateBilling } from "../money/late-billing.js";
import type { Gateway } from "../parts.js";
import type { Asking } from "../task/task-exchange.js";
import { usageOfTask } from "../task/task-usage.js";
import { resultOf } from "./pass.js";

export type Settling = {
  readonly gateway: Gateway;
  readonly lateBilling: Pick<LateBilling, "settle">;
  /** Has the store hear of all that ended here. */
  readonly drain: () => Promise<void>;
  readonly job: AwaitedJob;
};

export type Ended = {
  readonly reply: ProviderReply;
  readonly step: Exclude<Step, { kind: "send" }>;
};

/** Charges what the job came to; the store does so once, whichever process sees its result. */
export async function settleJob(
  { gateway, lateBilling, drain, job }: Settling,
  asking: Asking,
  ended: Ended,
): Promise<void> {
  const cost = await costOfJob(asking, job, ended);
  // The request that began it must be there before it can be corrected.
  await drain();
  await lateBilling.settle([{ waiting: waitingFor(gateway, job), outcome: "billed", cost }]);
}

/** A job as late costs know what waits for them. */
export const waitingFor = (
  { clock }: Gateway,
  { requestId, bucketIds, cost, job }: AwaitedJob,
): WaitingCost => ({
  ...{ requestId, bucketIds, cost, providerRequestId: job },
  ...{ endedAt: clock.now(), asks: 0 },
});

async function costOfJob(asking: Asking, job: AwaitedJob, ended: Ended): Promise<NanoUsd> {
  const { candidate } = asking.turn;
  const price = chargedPrice(candidate);
  const result = await resultOf(asking, ended);
  if (!result) return ZERO;
  const { reported } = result;
  const counted = await usageOfTask(askedBy(job), candidate, result, "");
  const isUntold = charges(price, "computeNanoseconds") && reported === undefined;
  const ms = isUntold ? asking.gateway.clock.now() - job.begunAt : 0;
  const measured = { ...counted.measured, ...computeTime(ms) };
  const { cost } = billOf({ ...counted, measured }, reported, price);
  // It took no longer than until somebody saw its end, which may have been long after it.
  return isUntold ? least(cost, job.cost) : cost;
}

/** As metering wrote it down; of jobs from before that was noted, nothing. */
const askedBy = ({ look }: AwaitedJob): Asked =>
  (look?.asked as Asked | undefined) ?? NOTHING_ASKED;
