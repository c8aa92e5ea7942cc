/** Joins the parts that a request meets on its way. */
import { Catalog } from "../catalog/catalog.js";
import type { Config } from "../config/config.js";
import { HttpPool } from "../gateway/client/pool.js";
import type { Claim } from "../gateway/money/claim.js";
import { LeaseKeeper } from "../gateway/money/lease-keeper.js";
import type { Gateway } from "../gateway/parts.js";
import { newId } from "../kernel/ids.js";
import type { Leases } from "../ledger/lease-book.js";
import type { LedgerStore } from "../ledger/store.js";
import { Breakers } from "../routing/breakers.js";
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
    breakers: new Breakers(limits, dice),
    statistics: new Statistics(),
    defaultPolicy: { kind: defaultPolicy },
    allowsContinuation,
    limits,
    newId,
  };
}

/** What a node has leased of money and of rates, it has by one claim. */
export const together = (books: readonly Leases[]): Pick<Leases, "allowUntil" | "forfeit"> => ({
  allowUntil: (at) => books.forEach((book) => void book.allowUntil(at)),
  forfeit: () => books.forEach((book) => void book.forfeit()),
});
