/** The embedded provider among the others: where it is reached, and what it offers by now. */
import type { Catalog } from "../catalog/catalog.js";
import type { Config } from "../config/config.js";
import { embedded as provider } from "../providers/embedded.js";
import { EMBEDDED, toModels } from "./catalog.js";
import type { Embedded } from "./embedded.js";

/** It is a provider like any other, at an address that is known only once it runs. */
export function withEmbedded(
  providers: Config["providers"],
  embedded: Embedded | undefined,
): Config["providers"] {
  if (!embedded) return providers;
  const { origin, key } = embedded;
  return new Map([...providers, [EMBEDDED, { provider, baseUrl: origin, key }]]);
}

/** Lists what it can do, at once and whenever called again: models are added while it runs. */
export function modelLooker(
  settings: Config["embedded"],
  catalog: Catalog,
  embedded: Embedded | undefined,
): () => Promise<void> {
  let listed = "";
  const look = async (): Promise<void> => {
    if (!settings || !embedded) return;
    const models = embedded.models();
    const list = JSON.stringify(models);
    if (list !== listed) catalog.offer(EMBEDDED, toModels(models, settings.price));
    listed = list;
  };
  void look();
  return look;
}
