/** Everything that is kept: one database, and what each part of Turnpike asks of it. */
import { join } from "node:path";
import type { Config } from "../config/config.js";
import type { Clock } from "../kernel/clock.js";
import { booksOf } from "../store/books.js";
import { changeFeed } from "../store/changes.js";
import { lateCostStore } from "../store/late-costs.js";
import { ledgerStore } from "../store/ledger.js";
import { mappingStatisticsStore } from "../store/mapping-statistics.js";
import { mappingStore } from "../store/mappings.js";
import { openStore } from "../store/open.js";
import { organizationStore } from "../store/organizations.js";
import { paymentStore } from "../store/payments.js";
import { rateStore } from "../store/rates.js";
import { registrationStore } from "../store/registrations.js";
import { tenantStore } from "../store/tenants.js";
import { usageReader } from "../store/usage.js";
import { validationStore } from "../store/validations.js";

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
