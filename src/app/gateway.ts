/** Joins the parts that a request meets on its way, and what fills their memory and keeps it true. */
import { Catalog } from "../catalog/catalog.js";
import type { Config } from "../config/config.js";
import { HttpPool } from "../gateway/client/pool.js";
import { Claim } from "../gateway/money/claim.js";
import { LeaseKeeper } from "../gateway/money/lease-keeper.js";
import type { ConfiguredProvider, Gateway } from "../gateway/parts.js";
import { RateBook } from "../gateway/rates/rate-book.js";
import { RateLimiter } from "../gateway/rates/rate-limiter.js";
import { type Guard, guardFor } from "../gateway/registry/guard.js";
import { Registry } from "../gateway/registry/registry.js";
import { newId } from "../kernel/ids.js";
import type { Log } from "../kernel/log.js";
import { LeaseBook, type Leases } from "../ledger/lease-book.js";
import { Breakers, type Rest } from "../routing/breakers.js";
import { Statistics } from "../routing/statistics.js";
import { Directory } from "../tenants/directory.js";
import { type Memory, memoryOf } from "./memory.js";
import type { Node } from "./node.js";
import type { AppParts } from "./parts.js";

export type Built = {
  readonly gateway: Gateway;
  readonly claim: Claim;
  readonly guard: Guard;
  readonly registry: Registry;
  readonly memory: Memory;
};

/** All of it knows the configuration, and nothing yet of what is in the store. */
export function buildGateway(given: AppParts, node: Node, configured: Config["providers"]): Built {
  const { config, masterKey, clock, log } = given;
  const { leaseValidMs: validMs, totalMs } = config.limits;
  const { ledger, rates: rateStore } = node.stores;
  const leasing = { node: node.id, clock, log };
  const [book, rateBook] = [new LeaseBook(), new RateBook()];
  const claim: Claim = new Claim({
    ...{ ...leasing, validMs, store: ledger, book: together([book, rateBook]) },
    windUp: async () => {
      await Promise.all([gateway.keeper.dropReturns(), rates.keeper.dropReturns()]);
      await node.spool.flushed();
      await node.drainer.drain();
    },
    catchUp: () => memory.loadAll(),
  });
  const keeper = new LeaseKeeper({ ...leasing, claim, book, store: ledger });
  const rates = new RateLimiter({ ...leasing, claim, totalMs, book: rateBook, store: rateStore });
  const providers = new Map<string, ConfiguredProvider>(configured);
  const withdrawn = new Map<string, ConfiguredProvider>();
  const gateway = gatewayOf(given, {
    node: node.id,
    spool: node.spool,
    providers,
    withdrawn,
    book,
    keeper,
    rates,
  });
  const guard = guardFor(config.registration);
  const owners = gateway.directory.providerOwners;
  const registry = new Registry({ providers, withdrawn, owners, masterKey, guard, log });
  const memory = memoryOf(node.stores, { ...gateway, registry });
  return { gateway, claim, guard, registry, memory };
}

type Joined = Pick<
  Gateway,
  "node" | "spool" | "providers" | "withdrawn" | "book" | "keeper" | "rates"
>;

function gatewayOf(
  { config, masterKey, clock, log, dice = Math.random }: AppParts,
  joined: Joined,
): Gateway {
  const { plans, limits, ownerToken, defaultPolicy, allowsContinuation } = config;
  return {
    ...joined,
    ...{ clock, log, dice, plans, limits, allowsContinuation, newId },
    catalog: new Catalog(config.models),
    directory: new Directory(masterKey, plans, ownerToken),
    http: new HttpPool(),
    breakers: new Breakers(limits, dice, (rest) => tellRest(log, rest)),
    statistics: new Statistics(),
    defaultPolicy: { kind: defaultPolicy },
  };
}

/** An operator wants to know of an outage once, besides every attempt that it cost. */
function tellRest(log: Log, { provider, modelId, restMs }: Rest): void {
  const about = { provider, ...(modelId !== undefined && { model: modelId }) };
  if (restMs > 0) log("warn", "rests", { ...about, for_ms: Math.ceil(restMs) });
  else log("info", "rests_no_more", about);
}

/** What a node has leased of money and of rates, it has by one claim. */
const together = (books: readonly Leases[]): Pick<Leases, "allowUntil" | "forfeit"> => ({
  allowUntil: (at) => books.forEach((book) => void book.allowUntil(at)),
  forfeit: () => books.forEach((book) => void book.forfeit()),
});
