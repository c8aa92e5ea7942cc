/** Joins the parts that a request meets on its way. */
import { Catalog } from "../catalog/catalog.js";
import type { Config } from "../config/config.js";
import { HttpPool } from "../gateway/client/pool.js";
import type { Claim } from "../gateway/money/claim.js";
import { LeaseKeeper } from "../gateway/money/lease-keeper.js";
import type { Gateway } from "../gateway/parts.js";
import { newId } from "../kernel/ids.js";
import type { Log } from "../kernel/log.js";
import type { Leases } from "../ledger/lease-book.js";
import type { LedgerStore } from "../ledger/store.js";
import { Breakers, type Rest } from "../routing/breakers.js";
import { Statistics } from "../routing/statistics.js";
import { Directory } from "../tenants/directory.js";
import type { MasterKey } from "../tenants/sealing.js";

/** What is there before a gateway is. */
type Given = Pick<
  Gateway,
  "node" | "providers" | "book" | "rates" | "spool" | "clock" | "log" | "dice"
> & {
  readonly config: Config;
  readonly masterKey: MasterKey;
  readonly ledger: LedgerStore;
  readonly claim: Claim;
};

export function buildGateway({ config, masterKey, ledger, claim, ...given }: Given): Gateway {
  const { node, book, clock, log, dice } = given;
  const { plans, limits, ownerToken, defaultPolicy, allowsContinuation } = config;
  return {
    ...given,
    catalog: new Catalog(config.models),
    plans,
    directory: new Directory(masterKey, plans, ownerToken),
    keeper: new LeaseKeeper({ node, book, store: ledger, claim, clock, log }),
    http: new HttpPool(),
    breakers: new Breakers(limits, dice, (rest) => tellRest(log, rest)),
    statistics: new Statistics(),
    defaultPolicy: { kind: defaultPolicy },
    allowsContinuation,
    limits,
    newId,
  };
}

/** An operator wants to know of an outage once, besides every attempt that it cost. */
function tellRest(log: Log, { provider, modelId, restMs }: Rest): void {
  const about = { provider, ...(modelId !== undefined && { model: modelId }) };
  if (restMs > 0) log("warn", "rests", { ...about, for_ms: Math.ceil(restMs) });
  else log("info", "rests_no_more", about);
}

/** What a node has leased of money and of rates, it has by one claim. */
export const together = (books: readonly Leases[]): Pick<Leases, "allowUntil" | "forfeit"> => ({
  allowUntil: (at) => books.forEach((book) => void book.allowUntil(at)),
  forfeit: () => books.forEach((book) => void book.forfeit()),
});
