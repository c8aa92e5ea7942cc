/** The offer that a job was begun under, which holds until its end, whatever is offered meanwhile. */
import { parseExactPrice, printExactPrice } from "../../catalog/exact-price.js";
import type { Mapping } from "../../catalog/model.js";
import type { AwaitedJob, JobOffer } from "../../ledger/late-cost.js";
import type { Task } from "../../tasks/index.js";
import type { Gateway } from "../parts.js";

/** What of an offer is written down beside a job. */
export const offerNote = ({ providerModel, price, isFree }: Mapping): JobOffer => ({
  providerModel,
  price: price && printExactPrice(price),
  isFree,
});

/** Undefined for a job from before offers were noted, where its model is not offered any more. */
export function mappingOfJob({ catalog }: Gateway, job: AwaitedJob): Mapping | undefined {
  const now = catalog
    .model(job.model)
    ?.mappings.find(({ provider, task }) => provider === job.provider && task === job.task);
  const offer = job.look?.offer;
  if (!offer) return now;
  const { providerModel, price, isFree } = offer;
  return {
    ...(now ?? bareMapping(job)),
    ...{ providerModel, isFree, price: price === undefined ? undefined : parseExactPrice(price) },
  };
}

const bareMapping = ({ model, task, provider }: AwaitedJob) => ({
  ...{ modelId: model, task: task as Task, provider },
  ...{ status: "error" as const, source: "an offer that is gone" },
});
