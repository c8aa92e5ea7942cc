/** What this process has in memory of the store, and how it is read anew where it changed. */
import { mappingIdIn } from "../catalog/mapping-key.js";
import type { Gateway } from "../gateway/parts.js";
import type { Registry } from "../gateway/registry/registry.js";
import { catalogLoader } from "../jobs/load-catalog.js";
import type { Stores } from "./stores.js";

export type Memory = ReturnType<typeof memoryOf>;

type Filled = Pick<Gateway, "catalog" | "directory"> & { readonly registry: Registry };

export function memoryOf(stores: Stores, { catalog, directory, registry }: Filled) {
  const { tenants, organizations, mappings, registrations, validations } = stores;
  const stored = catalogLoader(catalog, mappings);
  return {
    loadAll: async (): Promise<void> => {
      directory.load(await tenants.loadAll());
      directory.loadOrganizations(await organizations.loadAll());
      await stored.all();
      registry.load(await registrations.loadAll());
      for (const each of await validations.loadAll()) catalog.validated(each);
    },
    /** Called by routes after they changed something, and when another process did. */
    reloads: {
      reloadUser: async (userId: string): Promise<void> => {
        const rows = await tenants.loadUser(userId);
        if (rows) directory.load(rows);
      },
      reloadOrganization: async (orgId: string): Promise<void> =>
        directory.loadOrganizations(await organizations.load(orgId)),
      reloadMappings: stored.mappingsOf,
      reloadModels: stored.models,
      reloadProvider: async (id: string): Promise<void> => {
        const registration = await registrations.load(id);
        if (registration) registry.load([registration]);
      },
    },
    reloadValidation: async (key: string): Promise<void> => {
      const parsed = mappingIdIn(key);
      const found = parsed && (await validations.load(parsed));
      if (found) catalog.validated(found);
    },
  };
}
