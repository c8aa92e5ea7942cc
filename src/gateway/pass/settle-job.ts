/** What a job came to is charged once it is known, in place of what it was charged as when it began. */
import { least, type NanoUsd, ZERO } from "../../kernel/money.js";
import type { AwaitedJob, WaitingCost } from "../../ledger/late-cost.js";
import { charges } from "../../metering/cost.js";
import { billOf } from "../../metering/reported.js";
import { type Asked, NOTHING_ASKED } from "../../metering/task-usage.js";
import type { ProviderReply, Step } from "../../providers/provider.js";
import { computeTime } from "../../tasks/usage.js";
import { chargedPrice } from "../money/funds.js";
import type { LateBilling, Told } from "../money/late-billing.js";
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
  const told = await costOfJob(asking, job, ended);
  // The request that began it must be there before it can be corrected.
  await drain();
  await lateBilling.settle([{ waiting: waitingFor(gateway, job), outcome: "billed", ...told }]);
}

/** A job as late costs know what waits for them. */
export const waitingFor = (
  { clock }: Gateway,
  { requestId, bucketIds, cost, job }: AwaitedJob,
): WaitingCost => ({
  ...{ requestId, bucketIds, cost, providerRequestId: job },
  ...{ endedAt: clock.now(), asks: 0 },
});

async function costOfJob(
  asking: Asking,
  job: AwaitedJob,
  ended: Ended,
): Promise<Pick<Told, "cost" | "ownCount">> {
  const { gateway, turn } = asking;
  const price = chargedPrice(turn.candidate);
  const result = await resultOf(asking, ended);
  if (!result) return { cost: ZERO, ownCount: "none" };
  const counted = await usageOfTask(askedBy(job), turn.candidate, result, "");
  const ms = Math.max(0, gateway.clock.now() - job.begunAt);
  const measured = { ...counted.measured, ...computeTime(ms) };
  const bill = billOf({ ...counted, measured }, result.reported, price);
  // It took no longer than until somebody saw its end, which may have been long after it.
  const isTimed = charges(price, "computeNanoseconds");
  const own = (count: NanoUsd): NanoUsd => (isTimed ? least(count, job.cost) : count);
  return bill.counted === undefined
    ? { cost: own(bill.cost), ownCount: "none" }
    : { cost: bill.cost, ownCount: own(bill.counted) };
}

/** As metering wrote it down; of jobs from before that was noted, nothing. */
const askedBy = ({ look }: AwaitedJob): Asked =>
  (look?.asked as Asked | undefined) ?? NOTHING_ASKED;
