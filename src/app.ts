/** Builds everything from a configuration and a clock, and takes it down again in order. */
import { mkdirSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { startBackground } from "./app/background.js";
import { buildGateway, together } from "./app/gateway.js";
import { memoryOf } from "./app/memory.js";
import { type Rounds, roundsOf } from "./app/rounds.js";
import { openStores, storePlace } from "./app/stores.js";
import type { Config } from "./config/config.js";
import { startEmbedded } from "./embedded/embedded.js";
import { modelLooker, withEmbedded } from "./embedded/listing.js";
import { Claim } from "./gateway/money/claim.js";
import { LateBilling } from "./gateway/money/late-billing.js";
import { Spool } from "./gateway/money/spool.js";
import { type ConfiguredProvider, keeperOf } from "./gateway/parts.js";
import { Jobs } from "./gateway/pass/jobs.js";
import { stripeProcessor } from "./gateway/payments/stripe.js";
import { RateBook } from "./gateway/rates/rate-book.js";
import { RateLimiter } from "./gateway/rates/rate-limiter.js";
import { guardFor } from "./gateway/registry/guard.js";
import { Registry } from "./gateway/registry/registry.js";
import { BodyBudget } from "./http/body-budget.js";
import type { Site } from "./http/parts.js";
import { answer } from "./http/routes.js";
import { Drainer } from "./jobs/drainer.js";
import { followChanges } from "./jobs/follow-changes.js";
import { recoverDead } from "./jobs/recover.js";
import type { Clock } from "./kernel/clock.js";
import { assert } from "./kernel/errors.js";
import { newId } from "./kernel/ids.js";
import type { Log } from "./kernel/log.js";
import { LeaseBook } from "./ledger/lease-book.js";
import { receiptKey } from "./ledger/receipt-key.js";
import { tryLock } from "./store/sqlite/process-lock.js";
import type { MasterKey } from "./tenants/sealing.js";

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

export type AppParts = {
  readonly config: Config;
  readonly masterKey: MasterKey;
  readonly clock: Clock;
  readonly log: Log;
  /** Rolls from 0 to 1; by default at random. */
  readonly dice?: () => number;
};

export async function startApp(given: AppParts): Promise<App> {
  const { config, masterKey, clock, log, dice = Math.random } = given;
  const node = newId();
  const spoolRoot = join(config.dataFolder, "spool");
  mkdirSync(spoolRoot, { recursive: true, mode: 0o700 });
  const stores = await openStores(config, node, clock);
  const { ledger } = stores;
  await recoverDead(spoolRoot, { store: ledger, tryLock, clock, log });

  const folder = join(spoolRoot, node);
  const unlock = tryLock(folder);
  assert(unlock, "a new process has a folder of its own");
  const { leaseValidMs: validMs, totalMs, uploadBytesMax } = config.limits;
  await ledger.openNode(node, clock.now(), { host: hostname(), validMs });
  const spool = new Spool(folder, config.durability, log);
  const place = storePlace(config);
  const drainer = new Drainer({ place, folder, node, clock, spool, startThread });
  const drain = () => drainer.drain();

  const [book, rateBook] = [new LeaseBook(), new RateBook()];
  const claim: Claim = new Claim({
    ...{ node, validMs, clock, log, store: ledger },
    book: together([book, rateBook]),
    windUp: async () => {
      await Promise.all([gateway.keeper.dropReturns(), rates.keeper.dropReturns()]);
      await spool.flushed();
      await drain();
    },
    catchUp: () => memory.loadAll(),
  });
  const rates = new RateLimiter({
    ...{ node, claim, clock, log, totalMs, book: rateBook, store: stores.rates },
  });
  const embedded = config.embedded && startEmbedded({ folder: config.dataFolder, log, clock });
  const providers = new Map<string, ConfiguredProvider>(withEmbedded(config.providers, embedded));
  const gateway = buildGateway({
    ...{ config, masterKey, clock, log, dice, node },
    ...{ providers, ledger, spool, book, claim, rates },
  });
  const guard = guardFor(config.registration);
  const { catalog, directory } = gateway;
  const owners = directory.providerOwners;
  const registry = new Registry({ providers, owners, masterKey, guard, log });
  const memory = memoryOf(stores, { catalog, directory, registry });
  const { loadAll, reloadValidation, ...reloads } = memory;
  await claim.renew();
  const unfollow = await followChanges({
    ...{ node, log, ...stores.changes, ...reloads, reloadValidation },
    answerRecall: (bucket, seq) => keeperOf(gateway, bucket).answerRecall(bucket, seq),
    surrender: (bucket) => keeperOf(gateway, bucket).surrender(bucket),
  });
  await loadAll();

  const stopping = new AbortController();
  const lateBilling = new LateBilling(gateway, stores.lateCosts);
  const jobs = new Jobs(stores.lateCosts);
  const { tellStatistics, ...rounds } = roundsOf({
    ...{ config, gateway, stores, registry, lateBilling, jobs, drain },
    stopping: stopping.signal,
  });
  await rounds.shareStatistics();
  const background = startBackground({
    ...{ gateway, claim, stores, rounds },
    drain: () => drainer.drainAside(),
    lookForModels: modelLooker(config.embedded, catalog, embedded),
  });
  const { rates: rateLeases, ...kept } = stores;
  const site: Site = {
    ...{ config, gateway, guard, masterKey, lateBilling, jobs, drain, rateLeases },
    ...kept,
    ...reloads,
    bodies: new BodyBudget(uploadBytesMax),
    processor: stripeProcessor(config.payments.stripe, log),
    receiptKey: receiptKey(masterKey),
    isReady: () => ledger.spoolPosition(node).then(Boolean, () => false),
  };
  return {
    ...rounds,
    site,
    answer: async (request) => {
      request.signal.throwIfAborted();
      return answer(site, request);
    },
    drain,
    stop: async () => {
      stopping.abort();
      await Promise.all(background.map((job) => job.stop()));
      await unfollow();
      gateway.http.close();
      await embedded?.stop();
      await spool.close();
      await drain();
      await drainer.stop();
      await gateway.keeper.returnAll();
      await tellStatistics();
      await rates.keeper.returnAll();
      await ledger.closeNode(node, clock.now());
      const isAllKept = await ledger.isDurable();
      await stores.database.close();
      unlock();
      // All of it is in the store. Where that is not for sure, the next process that starts looks again.
      if (!isAllKept) return;
      rmSync(folder, { recursive: true });
      rmSync(`${folder}.lock`, { force: true });
    },
  };
}

const startThread = (): Worker => new Worker(new URL("./drain-thread.ts", import.meta.url));
