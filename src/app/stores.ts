/** Everything that is kept: one database, and what each part of Turnpike asks of it. */
import { join } from "node:path";
import type { Config } from "../config/config.js";
import type { Clock } from "../kernel/clock.js";
import { booksOf } from "../store/books/books.js";
import { usageReader } from "../store/books/usage.js";
import { mappingStatisticsStore } from "../store/catalog/mapping-statistics.js";
import { mappingStore } from "../store/catalog/mappings.js";
import { registrationStore } from "../store/catalog/registrations.js";
import { validationStore } from "../store/catalog/validations.js";
import { changeFeed } from "../store/changes.js";
import { lateCostStore } from "../store/late-costs/late-costs.js";
import { ledgerStore } from "../store/ledger/ledger.js";
import { openStore } from "../store/open.js";
import { paymentStore } from "../store/payments/payments.js";
import { rateStore } from "../store/rates/rates.js";
import { organizationStore } from "../store/tenants/organizations.js";
import { tenantStore } from "../store/tenants/tenants.js";

export type Stores = Awaited<ReturnType<typeof openStores>>;

export const storePlace = (config: Config): string =>
  config.databaseUrl ?? join(config.dataFolder, "turnpike.sqlite");

/** Opens the database, brings it up to date, and tells other processes of `node`'s changes. */
export async function openStores(config: Config, node: string, clock: Clock) {
  const database = await openStore(storePlace(config));
  return {
    database,
    ledger: ledgerStore(database, config.plans),
    rates: rateStore(database, config.plans, clock),
    tenants: tenantStore(database, node, clock),
    organizations: organizationStore(database, node, clock),
    mappings: mappingStore(database, node, clock),
    registrations: registrationStore(database, node, clock),
    validations: validationStore(database, node, clock),
    statistics: mappingStatisticsStore(database),
    payments: paymentStore(database),
    lateCosts: lateCostStore(database),
    books: booksOf(database),
    usage: usageReader(database),
    changes: changeFeed(database),
  };
}
