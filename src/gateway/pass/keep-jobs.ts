/** What the background does about jobs that nobody asks for, with the operator's key. */
import { JOB_LOOK_MS } from "../../kernel/limits.js";
import { ZERO } from "../../kernel/money.js";
import type { AwaitedJob } from "../../ledger/late-cost.js";
import type { LateBilling } from "../money/late-billing.js";
import type { Gateway } from "../parts.js";
import { mappingOfJob } from "./job-offer.js";
import type { Jobs } from "./jobs.js";
import { lookAtJob } from "./look.js";
import { waitingFor } from "./settle-job.js";

type Parts = {
  readonly gateway: Gateway;
  readonly jobs: Jobs;
  readonly lateBilling: Pick<LateBilling, "settle">;
  readonly drain: () => Promise<void>;
  readonly stopping: AbortSignal;
};

export const jobKeeper = ({ gateway, jobs, lateBilling, drain, stopping }: Parts) => ({
  /** Whether a job has ended, and is settled by now. Rejects where the store cannot be told. */
  look: async (job: AwaitedJob): Promise<boolean> => {
    const mapping = mappingOfJob(gateway, job);
    const configured = gateway.providers.get(job.provider);
    if (!mapping || !configured) return false;
    const { key } = configured;
    const looking = { gateway, jobs, lateBilling, drain, job, mapping, key } as const;
    return lookAtJob({ ...looking, keySource: "operator" }, { signal: stopping }, JOB_LOOK_MS);
  },
  /** Whoever asks for it later is answered, and charged nothing. */
  giveUp: (job: AwaitedJob): Promise<void> =>
    jobs.settleOnce(job, () =>
      lateBilling.settle([{ waiting: waitingFor(gateway, job), outcome: "unbilled", cost: ZERO }]),
    ),
});
