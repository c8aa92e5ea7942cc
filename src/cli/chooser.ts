/** What a server of this configuration and this store would choose providers with. */
import { EMBEDDED } from "../embedded/catalog.js";
import type { ConfiguredProvider } from "../gateway/parts.js";
import type { Chooser } from "../gateway/route/eligible.js";
import { STATISTICS_KEPT_MS } from "../kernel/limits.js";
import { embedded } from "../providers/embedded.js";
import { Breakers } from "../routing/breakers.js";
import { Statistics } from "../routing/statistics.js";
import { Directory } from "../tenants/directory.js";
import { catalogOf } from "./catalog.js";
import { knownProviders } from "./known-providers.js";
import { type Local, masterKeyOf } from "./local.js";

/** Who rests is known to running servers alone, so here nobody does. */
export async function chooserOf(local: Local, now: number): Promise<Chooser> {
  const { config, tenants, organizations } = local;
  const directory = new Directory(masterKeyOf(config), config.plans);
  directory.load(await tenants.loadAll());
  directory.loadOrganizations(await organizations.loadAll());
  const statistics = new Statistics();
  statistics.hear(await local.measured.ofOthers("", now - STATISTICS_KEPT_MS), now);
  return {
    catalog: await catalogOf(local),
    providers: await providersOf(local, directory),
    directory,
    statistics,
    breakers: new Breakers(config.limits, neverExplore),
    defaultPolicy: { kind: config.defaultPolicy },
    dice: neverExplore,
  };
}

const neverExplore = () => 1;

async function providersOf(local: Local, { providerOwners }: Directory) {
  const providers = new Map<string, ConfiguredProvider>();
  for (const { configured, registration } of await knownProviders(local)) {
    if (registration?.state === "withdrawn") continue;
    providers.set(configured.provider.id, configured);
    if (registration) providerOwners.set(registration.id, registration.orgId);
  }
  if (local.config.embedded) {
    // A server starts its engines with a key of their own.
    providers.set(EMBEDDED, { provider: embedded, baseUrl: embedded.origin, key: "" });
  }
  return providers;
}
