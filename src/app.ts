/** Builds everything from a configuration and a clock, and takes it down again in order. */
import { Worker } from "node:worker_threads";
import { startBackground } from "./app/background.js";
import { type Built, buildGateway } from "./app/gateway.js";
import { type Node, openNode } from "./app/node.js";
import type { AppParts } from "./app/parts.js";
import { type Rounds, roundsOf } from "./app/rounds.js";
import { siteOf } from "./app/site.js";
import { startEmbedded } from "./embedded/embedded.js";
import { modelLooker, withEmbedded } from "./embedded/listing.js";
import { LateBilling } from "./gateway/money/late-billing.js";
import { type Gateway, keeperOf } from "./gateway/parts.js";
import { Jobs } from "./gateway/pass/jobs.js";
import { responseOf } from "./gateway/reply.js";
import { answer } from "./http/answer.js";
import type { Site } from "./http/parts.js";
import { followChanges } from "./jobs/follow-changes.js";
import type { Log } from "./kernel/log.js";
import { missingPlans } from "./tenants/plan.js";

/** The rounds can be asked for at any moment, beside those that come by themselves. */
export type App = Omit<Rounds, "tellStatistics"> & {
  readonly site: Site;
  /** Any request in, its response out; the same as over a socket, where what was aborted before is never sent. */
  readonly answer: (request: Request) => Promise<Response>;
  /** Applies all that is spooled, now. */
  readonly drain: () => Promise<void>;
  /** Lets nothing be lost: drains, gives all leases back, closes. */
  readonly stop: () => Promise<void>;
};

export async function startApp(given: AppParts): Promise<App> {
  const { config, clock, log } = given;
  const node = await openNode(given, startThread);
  const embedded = config.embedded && startEmbedded({ folder: config.dataFolder, log, clock });
  const built = buildGateway(given, node, withEmbedded(config.providers, embedded));
  const { gateway, claim } = built;
  const unfollow = await fillMemory(built, node, log);

  const { stores } = node;
  const drain = () => node.drainer.drain();
  const lateBilling = new LateBilling(gateway, stores.lateCosts);
  const jobs = new Jobs(stores.lateCosts);
  const stopping = new AbortController();
  const { tellStatistics, ...rounds } = roundsOf({
    ...{ config, gateway, stores, registry: built.registry, lateBilling, jobs, drain },
    stopping: stopping.signal,
  });
  await rounds.shareStatistics();
  const background = startBackground({
    ...{ gateway, claim, stores, rounds },
    drain: () => node.drainer.drainAside(),
    lookForModels: modelLooker(config.embedded, gateway.catalog, embedded),
  });
  const site = siteOf({ given, node, built, lateBilling, jobs, drain });
  return {
    ...rounds,
    ...{ site, drain },
    answer: async (request) => {
      request.signal.throwIfAborted();
      return responseOf(await answer(site, request));
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(background.map((job) => job.stop()));
      await unfollow();
      gateway.http.close();
      await embedded?.stop();
      await leave(node, gateway, tellStatistics);
    },
  };
}

/** Takes in what the store has, and follows what changes there from then on. Returns how to stop following. */
async function fillMemory(
  { gateway, claim, memory }: Built,
  { id, stores }: Node,
  log: Log,
): Promise<() => Promise<void>> {
  const { loadAll, reloads, reloadValidation } = memory;
  await claim.renew();
  const unfollow = await followChanges({
    ...{ node: id, log, ...stores.changes, ...reloads, reloadValidation },
    answerRecall: (bucket, seq) => keeperOf(gateway, bucket).answerRecall(bucket, seq),
    surrender: (bucket) => keeperOf(gateway, bucket).surrender(bucket),
  });
  await loadAll();
  const { directory, plans } = gateway;
  for (const [plan, payers] of missingPlans(directory.payers(), plans)) {
    log("warn", "plan_not_configured", { plan, payers });
  }
  return unfollow;
}

/** Brings all that was settled into the store, gives back what is left of the leases, and then goes. */
async function leave(
  { spool, drainer, close }: Node,
  { keeper, rates }: Gateway,
  tellStatistics: () => Promise<void>,
): Promise<void> {
  await spool.close();
  await drainer.drain();
  await drainer.stop();
  await keeper.returnAll();
  await tellStatistics();
  await rates.keeper.returnAll();
  await close();
}

const startThread = (): Worker => new Worker(new URL("./drain-thread.ts", import.meta.url));
