/** Builds everything from a configuration and a clock, and takes it down again in order. */
import { mkdirSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { Catalog } from "./catalog/catalog.js";
import { keyIn, type ValidationStore } from "./catalog/validation.js";
import type { Config } from "./config/config.js";
import { startEmbedded } from "./embedded/embedded.js";
import { modelLooker, withEmbedded } from "./embedded/listing.js";
import { askCosts } from "./gateway/billing.js";
import { Claim } from "./gateway/claim.js";
import { HttpPool } from "./gateway/client/pool.js";
import { guardFor } from "./gateway/guard.js";
import { LateBilling } from "./gateway/late-billing.js";
import { LeaseKeeper } from "./gateway/lease-keeper.js";
import { type ConfiguredProvider, type Gateway, keeperOf } from "./gateway/parts.js";
import { Jobs } from "./gateway/pass/jobs.js";
import { jobKeeper } from "./gateway/pass/keep-jobs.js";
import { stripeProcessor } from "./gateway/payments/stripe.js";
import { ProbePayer } from "./gateway/probe-payer.js";
import { RateLimiter } from "./gateway/rate-limiter.js";
import { Registry } from "./gateway/registry.js";
import { Spool } from "./gateway/spool.js";
import { mappingsToValidate, validateMapping } from "./gateway/validate-mapping.js";
import { BodyBudget } from "./http/body-budget.js";
import type { Site } from "./http/parts.js";
import { answer } from "./http/routes.js";
import { collectReversals } from "./jobs/collect-reversals.js";
import { Drainer } from "./jobs/drainer.js";
import { followChanges } from "./jobs/follow-changes.js";
import { lookAfterJobs } from "./jobs/job-looks.js";
import { askForCosts } from "./jobs/late-costs.js";
import { catalogLoader } from "./jobs/load-catalog.js";
import { recoverDead } from "./jobs/recover.js";
import { type Repeated, repeat } from "./jobs/repeat.js";
import { forgetOld } from "./jobs/retention.js";
import { shareStatistics, tellStatistics } from "./jobs/share-statistics.js";
import { validateDue } from "./jobs/validate.js";
import { claimWatch } from "./jobs/watch-claims.js";
import type { Clock } from "./kernel/clock.js";
import { assert } from "./kernel/errors.js";
import { newId } from "./kernel/ids.js";
import {
  HEARTBEAT_MS,
  LOST_SPOOL_MS,
  SHARE_STATISTICS_EVERY_MS,
  STATISTICS_KEPT_MS,
} from "./kernel/limits.js";
import type { Log } from "./kernel/log.js";
import type { LateCostStore } from "./ledger/late-cost.js";
import { LeaseBook } from "./ledger/lease-book.js";
import type { PaymentStore } from "./ledger/payment.js";
import { receiptKey } from "./ledger/receipt-key.js";
import type { LedgerStore } from "./ledger/store.js";
import { Breakers } from "./routing/breakers.js";
import { Statistics } from "./routing/statistics.js";
import { booksOf } from "./store/books.js";
import { changeFeed } from "./store/changes.js";
import type { Database } from "./store/database.js";
import { lateCostStore } from "./store/late-costs.js";
import { ledgerStore } from "./store/ledger.js";
import { type MappingStatisticsStore, mappingStatisticsStore } from "./store/mapping-statistics.js";
import { mappingStore } from "./store/mappings.js";
import { openStore } from "./store/open.js";
import { organizationStore } from "./store/organizations.js";
import { paymentStore } from "./store/payments.js";
import { type RateStore, rateStore } from "./store/rates.js";
import { registrationStore } from "./store/registrations.js";
import { tryLock } from "./store/sqlite/process-lock.js";
import { tenantStore } from "./store/tenants.js";
import { usageReader } from "./store/usage.js";
import { validationStore } from "./store/validations.js";
import { Directory } from "./tenants/directory.js";
import type { MasterKey } from "./tenants/sealing.js";
import type { TenantStore } from "./tenants/store.js";

const DRAIN_EVERY_MS = 50;
const SWEEP_EVERY_MS = 1_000;
const EXPIRE_EVERY_MS = 60_000;
const ASK_FOR_COSTS_EVERY_MS = 60_000;
const LOOK_AFTER_JOBS_EVERY_MS = 10_000;
const LOOK_FOR_MODELS_EVERY_MS = 1_000;
const COLLECT_EVERY_MS = 1_000;
const FORGET_EVERY_MS = 600_000;
const LOOK_FOR_DUE_EVERY_MS = 1_000;

export type App = {
  readonly site: Site;
  /** Any request in, its response out; the same as over a socket, where what was aborted before is never sent. */
  readonly answer: (request: Request) => Promise<Response>;
  /** Applies all that is spooled, now. */
  readonly drain: () => Promise<void>;
  /** Asks providers for the costs that they tell later, now. */
  readonly askForCosts: () => Promise<void>;
  /** Tells other processes what this one measured, and hears what they did, now. */
  readonly shareStatistics: () => Promise<void>;
  /** Asks for jobs that their callers have left alone, now. */
  readonly lookAfterJobs: () => Promise<void>;
  /** Validates the mappings that are due, now. */
  readonly validate: () => Promise<void>;
  /** Forgets what is older than it is to be kept, now. */
  readonly forgetOld: () => Promise<void>;
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

export const storePlace = (config: Config): string =>
  config.databaseUrl ?? join(config.dataFolder, "turnpike.sqlite");

export async function startApp(given: AppParts): Promise<App> {
  const { config, masterKey, clock, log, dice = Math.random } = given;
  const node = newId();
  const spoolRoot = join(config.dataFolder, "spool");
  mkdirSync(spoolRoot, { recursive: true, mode: 0o700 });
  const database = await openStore(storePlace(config));
  const ledger = ledgerStore(database, config.plans);
  const rateLeases = rateStore(database, config.plans, clock);
  const tenants = tenantStore(database, node, clock);
  const organizations = organizationStore(database, node, clock);
  const mappings = mappingStore(database, node, clock);
  await recoverDead(spoolRoot, ledger, tryLock, { clock, log });

  const folder = join(spoolRoot, node);
  const unlock = tryLock(folder);
  assert(unlock, "a new process has a folder of its own");
  const validMs = config.limits.leaseValidMs;
  await ledger.openNode(node, clock.now(), { host: hostname(), validMs });
  const spool = new Spool(folder, config.durability, log);
  const place = storePlace(config);
  const { isDurable } = ledger;
  const drainer = new Drainer({ place, folder, node, spool, isDurable, startThread });
  const drain = () => drainer.drain();
  const [book, rateBook] = [new LeaseBook(), new LeaseBook()];
  const claim: Claim = new Claim({
    node,
    validMs,
    book: together([book, rateBook]),
    store: ledger,
    clock,
    log,
    windUp: async () => {
      await Promise.all([gateway.keeper.dropReturns(), rates.keeper.dropReturns()]);
      await spool.flushed();
      await drain();
    },
    catchUp: async () => {
      gateway.directory.load(await tenants.loadAll());
      gateway.directory.loadOrganizations(await organizations.loadAll());
      await load.all();
      registry.load(await registrations.loadAll());
      for (const each of await validations.loadAll()) gateway.catalog.validated(each);
    },
  });
  const { totalMs } = config.limits;
  const rates = new RateLimiter({
    ...{ node, book: rateBook, store: rateLeases, claim, clock, log, totalMs },
  });
  const embedded = config.embedded && startEmbedded({ folder: config.dataFolder, log, clock });
  const guard = guardFor(config.registration);
  const providers = new Map<string, ConfiguredProvider>(withEmbedded(config.providers, embedded));
  const registrations = registrationStore(database, node, clock);
  const validations = validationStore(database, node, clock);
  const gateway = buildGateway({
    providers,
    config,
    masterKey,
    clock,
    log,
    dice,
    node,
    ledger,
    spool,
    book,
    claim,
    rates,
  });
  const { providerOwners: owners } = gateway.directory;
  const registry = new Registry({ providers, owners, masterKey, guard, log });
  await claim.renew();
  const reloadUser = reloader(tenants, gateway.directory);
  const reloadOrganization = async (orgId: string): Promise<void> =>
    gateway.directory.loadOrganizations(await organizations.load(orgId));
  const load = catalogLoader(gateway.catalog, mappings);
  const reloadProvider = async (id: string): Promise<void> => {
    const registration = await registrations.load(id);
    if (registration) registry.load([registration]);
  };
  const reloadValidation = async (key: string): Promise<void> => {
    const parsed = keyIn(key);
    const found = parsed && (await validations.load(parsed));
    if (found) gateway.catalog.validated(found);
  };
  const unfollow = await followChanges({
    node,
    log,
    ...changeFeed(database),
    reloadUser,
    reloadOrganization,
    reloadMappings: load.mappingsOf,
    reloadModels: load.models,
    reloadProvider,
    reloadValidation,
    answerRecall: (bucket, seq) => keeperOf(gateway, bucket).answerRecall(bucket, seq),
    surrender: (bucket) => keeperOf(gateway, bucket).surrender(bucket),
  });
  gateway.directory.load(await tenants.loadAll());
  gateway.directory.loadOrganizations(await organizations.loadAll());
  await load.all();
  registry.load(await registrations.loadAll());
  const measured = mappingStatisticsStore(database);
  const sharing = { node, clock, statistics: gateway.statistics, store: measured };
  await shareStatistics(sharing);
  for (const each of await validations.loadAll()) gateway.catalog.validated(each);

  const payments = paymentStore(database);
  const lateCosts = lateCostStore(database);
  const books = booksOf(database);
  const stopping = new AbortController();
  const lateBilling = new LateBilling(gateway, lateCosts);
  const askForCosts = costAsker(gateway, registry, lateCosts, lateBilling, stopping.signal);
  const forget = () =>
    forgetOld({
      node,
      clock,
      log,
      retention: config.retention,
      store: books.retention,
      takeTurn: lateCosts.takeTurn,
      signal: stopping.signal,
    });
  const validate = validator({
    ...{ config, gateway, tenants, ledger, validations },
    ...{ takeTurn: lateCosts.takeTurn, stopping: stopping.signal },
  });
  const passJobs = new Jobs(lateCosts);
  const keeper = jobKeeper({
    ...{ gateway, lateBilling, drain, jobs: passJobs, stopping: stopping.signal },
  });
  const keepJobs = oneAtATime(() =>
    lookAfterJobs({
      ...{ node, clock, log, store: lateCosts, stopping: stopping.signal },
      ...keeper,
    }),
  );
  const jobs = startJobs({
    ...{ gateway, claim, ledger, rateLeases, payments, database, clock, log },
    ...{ drain, askForCosts, keepJobs, forget, measured, validate },
    shareStatistics: () => shareStatistics(sharing),
    lookForModels: modelLooker(config.embedded, gateway.catalog, embedded),
  });
  const site: Site = {
    config,
    gateway,
    tenants,
    organizations,
    mappings,
    registrations,
    validations,
    guard,
    ledger,
    rateLeases,
    usage: usageReader(database),
    lateCosts,
    lateBilling,
    jobs: passJobs,
    bodies: new BodyBudget(config.limits.uploadBytesMax),
    payments,
    processor: stripeProcessor(config.payments.stripe, log),
    books,
    masterKey,
    receiptKey: receiptKey(masterKey),
    reloadUser,
    reloadOrganization,
    reloadMappings: load.mappingsOf,
    reloadModels: load.models,
    reloadProvider,
    drain,
    isReady: () => ledger.spoolPosition(node).then(Boolean, () => false),
  };
  return {
    site,
    answer: async (request) => {
      request.signal.throwIfAborted();
      return answer(site, request);
    },
    drain,
    askForCosts,
    shareStatistics: () => shareStatistics(sharing),
    lookAfterJobs: keepJobs,
    validate,
    forgetOld: forget,
    stop: async () => {
      stopping.abort();
      await Promise.all(jobs.map((job) => job.stop()));
      await unfollow();
      gateway.http.close();
      await embedded?.stop();
      await spool.close();
      await drain();
      await drainer.stop();
      await gateway.keeper.returnAll();
      await tellStatistics(sharing);
      await rates.keeper.returnAll();
      await ledger.closeNode(node, clock.now());
      const isDurable = await ledger.isDurable();
      await database.close();
      unlock();
      // All of it is in the store. Where that is not for sure, the next process that starts looks again.
      if (!isDurable) return;
      rmSync(folder, { recursive: true });
      rmSync(`${folder}.lock`, { force: true });
    },
  };
}

function buildGateway(
  parts: AppParts & {
    readonly node: string;
    readonly ledger: LedgerStore;
    readonly spool: Spool;
    readonly book: LeaseBook;
    readonly claim: Claim;
    readonly providers: ReadonlyMap<string, ConfiguredProvider>;
    readonly rates: RateLimiter;
    readonly dice: () => number;
  },
): Gateway {
  const { providers, config, masterKey, clock, log, node, ledger, spool, book, claim } = parts;
  const { rates, dice } = parts;
  return {
    node,
    catalog: new Catalog(config.models),
    providers,
    plans: config.plans,
    directory: new Directory(masterKey, config.plans, config.ownerToken),
    book,
    keeper: new LeaseKeeper({ node, book, store: ledger, claim, clock, log }),
    rates,
    spool,
    http: new HttpPool(),
    breakers: new Breakers(config.limits, dice),
    statistics: new Statistics(),
    defaultPolicy: { kind: config.defaultPolicy },
    allowsContinuation: config.allowsContinuation,
    dice,
    limits: config.limits,
    clock,
    newId,
    log,
  };
}

/** What a node has leased of money and of rates, it has by one claim. */
const together = (books: readonly LeaseBook[]): Pick<LeaseBook, "allowUntil" | "forfeit"> => ({
  allowUntil: (at) => books.forEach((book) => void book.allowUntil(at)),
  forfeit: () => books.forEach((book) => void book.forfeit()),
});

const reloader =
  (tenants: TenantStore, directory: Directory) =>
  async (userId: string): Promise<void> => {
    const rows = await tenants.loadUser(userId);
    if (rows) directory.load(rows);
  };

const startThread = (): Worker => new Worker(new URL("./drain-thread.ts", import.meta.url));

function validator(parts: {
  readonly config: Config;
  readonly gateway: Gateway;
  readonly tenants: TenantStore;
  readonly ledger: LedgerStore;
  readonly validations: ValidationStore;
  readonly takeTurn: LateCostStore["takeTurn"];
  readonly stopping: AbortSignal;
}): () => Promise<void> {
  const { config, gateway, tenants, ledger, validations: store, takeTurn, stopping } = parts;
  const { mappings: which, monthlyLimit, ...intervals } = config.validation;
  const { node, clock, log } = gateway;
  const payer = new ProbePayer({ tenants, ledger, monthlyLimit });
  const round = () =>
    validateDue({
      ...{ node, clock, log, store, takeTurn, stopping, ...intervals, roll: Math.random },
      mappings: () => mappingsToValidate(gateway, which),
      tell: (validation) => gateway.catalog.validated(validation),
      heard: (mapping) => gateway.catalog.validationOf(mapping),
      validate: async (mapping) => {
        const caller = await payer.caller(clock.now());
        return validateMapping({ gateway, caller, mapping, signal: stopping });
      },
    });
  return oneAtATime(round);
}

function costAsker(
  gateway: Gateway,
  registry: Registry,
  store: LateCostStore,
  billing: LateBilling,
  stopping: AbortSignal,
): () => Promise<void> {
  const { node, clock, log } = gateway;
  const ask = async (id: string, ids: readonly string[]) => {
    const configured = registry.tellers().find(({ provider }) => provider.id === id);
    if (!configured) throw new Error("it is not here any more");
    return askCosts(gateway, configured, ids, stopping);
  };
  const settle: LateBilling["settle"] = (told) => billing.settle(told);
  const parts = { node, clock, log, store, ask, settle, stopping };
  const round = () => {
    const providers = registry
      .tellers()
      .flatMap(({ provider: { id }, billing }) =>
        billing ? [{ id, delayMs: billing.delayMs }] : [],
      );
    return askForCosts({ ...parts, providers });
  };
  return oneAtATime(round);
}

/** Rounds asked for meanwhile begin when the one under way has ended. */
function oneAtATime(round: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return () => {
    last = last.then(round, round);
    return last;
  };
}

function startJobs(parts: {
  readonly gateway: Gateway;
  readonly claim: Claim;
  readonly ledger: LedgerStore;
  readonly rateLeases: RateStore;
  readonly payments: PaymentStore;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly drain: () => Promise<void>;
  readonly askForCosts: () => Promise<void>;
  readonly keepJobs: () => Promise<void>;
  readonly forget: () => Promise<void>;
  readonly validate: () => Promise<void>;
  readonly lookForModels: () => Promise<void>;
  readonly measured: MappingStatisticsStore;
  readonly shareStatistics: () => Promise<void>;
}): Repeated[] {
  const { gateway, claim, ledger, rateLeases, database, clock, log, drain } = parts;
  const { node, limits } = gateway;
  const sweep = async (): Promise<void> => {
    const expired = gateway.book.releaseExpired(clock.now());
    if (expired > 0) log("error", "holds_expired", { count: expired });
    await gateway.keeper.returnIdle();
    const expiredRates = await gateway.rates.sweep();
    if (expiredRates > 0) log("error", "rates_not_ended", { count: expiredRates });
  };
  const expire = async (): Promise<void> => {
    const now = clock.now();
    const lost = await ledger.closeLost(now - LOST_SPOOL_MS, now);
    if (lost > 0) log("error", "nodes_lost", { count: lost });
    await ledger.expireAccounts(now);
    await rateLeases.forgetMinutes(now);
    await changeFeed(database).forget(clock.now());
    await parts.measured.forget(now - STATISTICS_KEPT_MS);
  };
  const beatMs = Math.min(HEARTBEAT_MS, limits.leaseValidMs / 5);
  const watchClaims = claimWatch({ node, store: ledger, clock, log, everyMs: beatMs });
  const answerRecall = (bucket: string, recall: number) =>
    gateway.keeper.answerRecall(bucket, recall);
  return [
    repeat("drain", drain, DRAIN_EVERY_MS, parts),
    repeat("heartbeat", () => claim.renew(), beatMs, parts),
    repeat("claim", async () => claim.check(), beatMs, parts),
    repeat("silence", watchClaims, beatMs, parts),
    repeat("sweep", sweep, SWEEP_EVERY_MS, parts),
    repeat("expire", expire, EXPIRE_EVERY_MS, parts),
    repeat("models", parts.lookForModels, LOOK_FOR_MODELS_EVERY_MS, parts),
    repeat("statistics", parts.shareStatistics, SHARE_STATISTICS_EVERY_MS, parts),
    repeat("late_costs", parts.askForCosts, ASK_FOR_COSTS_EVERY_MS, parts),
    repeat("job_looks", parts.keepJobs, LOOK_AFTER_JOBS_EVERY_MS, parts),
    repeat("validation", parts.validate, LOOK_FOR_DUE_EVERY_MS, parts),
    repeat("retention", parts.forget, FORGET_EVERY_MS, parts),
    repeat("collect", () => collectReversals({ ...parts, answerRecall }), COLLECT_EVERY_MS, parts),
  ];
}
