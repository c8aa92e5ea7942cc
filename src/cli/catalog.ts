/** The catalog as a server that is started with this configuration and this store would have it. */
import { Catalog } from "../catalog/catalog.js";
import { EMBEDDED, modelsIn, toModels } from "../embedded/catalog.js";
import type { Local } from "./local.js";

export async function catalogOf({ config, mappings }: Local): Promise<Catalog> {
  const { models, embedded, dataFolder } = config;
  const catalog = new Catalog(models);
  catalog.loadAllStored(await mappings.loadAll());
  catalog.loadKnown(await mappings.loadKnown());
  if (embedded) catalog.offer(EMBEDDED, toModels(modelsIn(dataFolder), embedded.price));
  return catalog;
}
