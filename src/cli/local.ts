/** The store of this data folder (or of DATABASE_URL), beside a running server or without one. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { storePlace } from "../app/stores.js";
import type { MappingStore } from "../catalog/stored.js";
import { type Config, type Flags, loadConfig } from "../config/config.js";
import { systemClock } from "../kernel/clock.js";
import type { LateCostStore } from "../ledger/late-cost.js";
import type { PaymentStore } from "../ledger/payment.js";
import type { LedgerStore } from "../ledger/store.js";
import { type Books, booksOf } from "../store/books/books.js";
import { type UsageReader, usageReader } from "../store/books/usage.js";
import {
  type MappingStatisticsStore,
  mappingStatisticsStore,
} from "../store/catalog/mapping-statistics.js";
import { mappingStore } from "../store/catalog/mappings.js";
import { registrationStore } from "../store/catalog/registrations.js";
import { lateCostStore } from "../store/late-costs/late-costs.js";
import { ledgerStore } from "../store/ledger/ledger.js";
import { openStore } from "../store/open.js";
import { paymentStore } from "../store/payments/payments.js";
import { organizationStore } from "../store/tenants/organizations.js";
import { tenantStore } from "../store/tenants/tenants.js";
import type { Organization } from "../tenants/organization.js";
import type { OrganizationStore } from "../tenants/organization-store.js";
import type { Payer } from "../tenants/payer.js";
import type { RegistrationStore } from "../tenants/registration.js";
import { type MasterKey, parseMasterKey } from "../tenants/sealing.js";
import type { TenantStore } from "../tenants/store.js";
import type { User } from "../tenants/user.js";
import { UserError } from "./output.js";

export type Local = {
  readonly config: Config;
  readonly ledger: LedgerStore;
  readonly tenants: TenantStore;
  readonly organizations: OrganizationStore;
  readonly mappings: MappingStore;
  readonly usage: UsageReader;
  readonly lateCosts: LateCostStore;
  readonly payments: PaymentStore;
  readonly books: Books;
  readonly registrations: RegistrationStore;
  readonly measured: MappingStatisticsStore;
};

/** Opens the store for one command. */
export async function withLocal<Result>(
  flags: Flags,
  work: (local: Local) => Promise<Result>,
): Promise<Result> {
  const config = loadConfig(flags, process.env);
  prepareDataFolder(config);
  const database = await openStore(storePlace(config));
  try {
    return await work({
      config,
      ledger: ledgerStore(database, config.plans),
      tenants: tenantStore(database, "cli", systemClock),
      organizations: organizationStore(database, "cli", systemClock),
      mappings: mappingStore(database, "cli", systemClock),
      usage: usageReader(database),
      lateCosts: lateCostStore(database),
      payments: paymentStore(database),
      books: booksOf(database),
      registrations: registrationStore(database, "cli", systemClock),
      measured: mappingStatisticsStore(database),
    });
  } finally {
    await database.close();
  }
}

/** Only its owner may look into it, however it was made. */
export function prepareDataFolder({ dataFolder }: Config): void {
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  chmodSync(dataFolder, 0o700);
}

/** The master key: configured, or in the data folder, where the first run puts one. */
export function masterKeyOf(config: Config): MasterKey {
  const path = join(config.dataFolder, "secret");
  if (config.secret !== undefined) return readKey(config.secret, "TURNPIKE_SECRET");
  if (existsSync(path)) return readKey(readFileSync(path, "utf8").trim(), path);
  const fresh = Buffer.from(crypto.getRandomValues(new Uint8Array(32)));
  try {
    writeFileSync(path, `${fresh.toString("hex")}\n`, { mode: 0o600, flag: "wx" });
    return fresh;
  } catch {
    // Another process was faster.
    return readKey(readFileSync(path, "utf8").trim(), path);
  }
}

function readKey(text: string, where: string): MasterKey {
  const key = parseMasterKey(text);
  if (!key) throw new UserError(`${where}: expected 64 hex characters`);
  return key;
}

export async function requireUser({ tenants }: Local, name: string): Promise<User> {
  const user = await tenants.findUserByName(name);
  if (!user) throw new UserError(`There is no user "${name}". See: turnpike user list`);
  return user;
}

export async function requireOrganization(
  { organizations }: Local,
  name: string,
): Promise<Organization> {
  const org = await organizations.findByName(name);
  if (!org) throw new UserError(`There is no organization "${name}". See: turnpike org list`);
  return org;
}

/** Who is meant by `--user` or `--org`. */
export function requirePayer(
  local: Local,
  { user, org }: { readonly user?: string; readonly org?: string },
): Promise<Payer> {
  if (user !== undefined && org === undefined) return requireUser(local, user);
  if (org !== undefined && user === undefined) return requireOrganization(local, org);
  throw new UserError("--user or --org: give one of them");
}

export function requirePlan({ config }: Local, plan: string): void {
  if (config.plans.has(plan)) return;
  throw new UserError(`There is no plan "${plan}". Plans: ${[...config.plans.keys()].join(", ")}`);
}
