/** What runs by itself, and how often. */
import type { Claim } from "../gateway/money/claim.js";
import type { Gateway } from "../gateway/parts.js";
import { collectReversals } from "../jobs/collect-reversals.js";
import { type Repeated, repeat } from "../jobs/repeat.js";
import { claimWatch } from "../jobs/watch-claims.js";
import {
  HEARTBEAT_MS,
  LOST_SPOOL_MS,
  SHARE_STATISTICS_EVERY_MS,
  STATISTICS_KEPT_MS,
} from "../kernel/limits.js";
import type { Rounds } from "./rounds.js";
import type { Stores } from "./stores.js";

const DRAIN_EVERY_MS = 50;
const SWEEP_EVERY_MS = 1_000;
const EXPIRE_EVERY_MS = 60_000;
const ASK_FOR_COSTS_EVERY_MS = 60_000;
const LOOK_AFTER_JOBS_EVERY_MS = 10_000;
const LOOK_FOR_MODELS_EVERY_MS = 1_000;
const COLLECT_EVERY_MS = 1_000;
const FORGET_EVERY_MS = 600_000;
const LOOK_FOR_DUE_EVERY_MS = 1_000;

type Parts = {
  readonly gateway: Gateway;
  readonly claim: Claim;
  readonly stores: Stores;
  readonly rounds: Omit<Rounds, "tellStatistics">;
  readonly drain: () => Promise<void>;
  readonly lookForModels: () => Promise<void>;
};

export function startBackground(parts: Parts): Repeated[] {
  const { gateway, claim, stores, rounds, drain } = parts;
  const { node, clock, log, limits } = gateway;
  const beatMs = Math.min(HEARTBEAT_MS, limits.leaseValidMs / 5);
  const watchClaims = claimWatch({ node, store: stores.ledger, clock, log, everyMs: beatMs });
  const every = (everyMs: number, name: string, work: () => Promise<void>): Repeated =>
    repeat(name, work, everyMs, { clock, log });
  return [
    every(DRAIN_EVERY_MS, "drain", drain),
    every(beatMs, "heartbeat", () => claim.renew()),
    every(beatMs, "claim", async () => claim.check()),
    every(beatMs, "silence", watchClaims),
    every(SWEEP_EVERY_MS, "sweep", () => sweep(gateway)),
    every(EXPIRE_EVERY_MS, "expire", () => expire(gateway, stores)),
    every(LOOK_FOR_MODELS_EVERY_MS, "models", parts.lookForModels),
    every(SHARE_STATISTICS_EVERY_MS, "statistics", rounds.shareStatistics),
    every(ASK_FOR_COSTS_EVERY_MS, "late_costs", rounds.askForCosts),
    every(LOOK_AFTER_JOBS_EVERY_MS, "job_looks", rounds.lookAfterJobs),
    every(LOOK_FOR_DUE_EVERY_MS, "validation", rounds.validate),
    every(FORGET_EVERY_MS, "retention", rounds.forgetOld),
    every(COLLECT_EVERY_MS, "collect", () => collect(gateway, stores)),
  ];
}

/** Lets go of what nobody uses. */
async function sweep({ book, keeper, rates, clock, log }: Gateway): Promise<void> {
  const expired = book.releaseExpired(clock.now());
  if (expired > 0) log("error", "holds_expired", { count: expired });
  await keeper.returnIdle();
  const expiredRates = await rates.sweep();
  if (expiredRates > 0) log("error", "rates_not_ended", { count: expiredRates });
}

/** Forgets what has run out. */
async function expire({ clock, log }: Gateway, stores: Stores): Promise<void> {
  const { ledger, rates, changes, statistics } = stores;
  const now = clock.now();
  const lost = await ledger.closeLost(now - LOST_SPOOL_MS, now);
  if (lost > 0) log("error", "nodes_lost", { count: lost });
  await ledger.expireAccounts(now);
  await rates.forgetMinutes(now);
  await changes.forget(now);
  await statistics.forget(now - STATISTICS_KEPT_MS);
}

function collect({ clock, keeper }: Gateway, stores: Stores): Promise<void> {
  const answerRecall = (bucket: string, recall: number) => keeper.answerRecall(bucket, recall);
  return collectReversals({ ...stores, answerRecall, clock });
}
