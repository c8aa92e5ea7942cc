/** What is done in rounds, one after the other: what the store or the world outside has to be asked for. */
import type { Config } from "../config/config.js";
import { askCosts } from "../gateway/money/billing.js";
import type { LateBilling } from "../gateway/money/late-billing.js";
import type { Gateway } from "../gateway/parts.js";
import type { Jobs } from "../gateway/pass/jobs.js";
import { jobKeeper } from "../gateway/pass/keep-jobs.js";
import { ProbePayer } from "../gateway/registry/probe-payer.js";
import type { Registry } from "../gateway/registry/registry.js";
import { mappingsToValidate, validateMapping } from "../gateway/registry/validate-mapping.js";
import { lookAfterJobs } from "../jobs/job-looks.js";
import { askForCosts } from "../jobs/late-costs.js";
import { forgetOld } from "../jobs/retention.js";
import { shareStatistics, tellStatistics } from "../jobs/share-statistics.js";
import { validateDue } from "../jobs/validate.js";
import type { Stores } from "./stores.js";

type Round = () => Promise<void>;

export type Rounds = {
  /** Asks providers for the costs that they tell later. */
  readonly askForCosts: Round;
  /** Asks for jobs that their callers have left alone. */
  readonly lookAfterJobs: Round;
  /** Validates the mappings that are due. */
  readonly validate: Round;
  /** Forgets what is older than it is to be kept. */
  readonly forgetOld: Round;
  /** Tells other processes what this one measured, and hears what they did. */
  readonly shareStatistics: Round;
  /** The first half of it. */
  readonly tellStatistics: Round;
};

type Parts = {
  readonly config: Config;
  readonly gateway: Gateway;
  readonly stores: Stores;
  readonly registry: Registry;
  readonly lateBilling: LateBilling;
  readonly jobs: Jobs;
  readonly drain: Round;
  /** Ends whatever is under way. */
  readonly stopping: AbortSignal;
};

export function roundsOf(parts: Parts): Rounds {
  const { config, gateway, stores } = parts;
  const { node, clock, log, statistics } = gateway;
  const { lateCosts, books } = stores;
  const sharing = { node, clock, statistics, store: stores.statistics };
  return {
    askForCosts: costAsker(parts),
    lookAfterJobs: jobLooker(parts),
    validate: validator(parts),
    forgetOld: () =>
      forgetOld({
        ...{ node, clock, log, retention: config.retention, signal: parts.stopping },
        ...{ store: books.retention, takeTurn: lateCosts.takeTurn },
      }),
    shareStatistics: () => shareStatistics(sharing),
    tellStatistics: () => tellStatistics(sharing),
  };
}

function costAsker({ gateway, registry, stores, lateBilling, stopping }: Parts): Round {
  const { node, clock, log } = gateway;
  const ask = async (id: string, ids: readonly string[]) => {
    const configured = registry.tellers().find(({ provider }) => provider.id === id);
    if (!configured) throw new Error("it is not here any more");
    return askCosts(gateway, configured, ids, stopping);
  };
  const settle: LateBilling["settle"] = (told) => lateBilling.settle(told);
  const parts = { node, clock, log, store: stores.lateCosts, ask, settle, stopping };
  return oneAtATime(() => {
    const providers = registry
      .tellers()
      .flatMap(({ provider: { id }, billing }) =>
        billing ? [{ id, delayMs: billing.delayMs }] : [],
      );
    return askForCosts({ ...parts, providers });
  });
}

function jobLooker({ gateway, stores, lateBilling, jobs, drain, stopping }: Parts): Round {
  const { node, clock, log } = gateway;
  const keeper = jobKeeper({ gateway, lateBilling, drain, jobs, stopping });
  const parts = { node, clock, log, store: stores.lateCosts, stopping, ...keeper };
  return oneAtATime(() => lookAfterJobs(parts));
}

function validator({ config, gateway, stores, stopping }: Parts): Round {
  const { tenants, ledger, validations: store, lateCosts } = stores;
  const { mappings: which, monthlyLimit, ...intervals } = config.validation;
  const { node, clock, log, catalog } = gateway;
  const payer = new ProbePayer({ tenants, ledger, monthlyLimit });
  const { takeTurn } = lateCosts;
  return oneAtATime(() =>
    validateDue({
      ...{ node, clock, log, store, takeTurn, stopping, ...intervals, roll: Math.random },
      mappings: () => mappingsToValidate(gateway, which),
      tell: (validation) => catalog.validated(validation),
      heard: (mapping) => catalog.validationOf(mapping),
      validate: async (mapping) => {
        const caller = await payer.caller(clock.now());
        return validateMapping({ gateway, caller, mapping, signal: stopping });
      },
    }),
  );
}

/** Rounds asked for meanwhile begin when the one under way has ended. */
function oneAtATime(round: Round): Round {
  let last: Promise<void> = Promise.resolve();
  return () => {
    last = last.then(round, round);
    return last;
  };
}
