/** Brings what the store has of models, mappings and prices into memory. */
import type { Catalog } from "../catalog/catalog.js";
import type { MappingStore } from "../catalog/stored.js";

export type CatalogLoader = {
  readonly all: () => Promise<void>;
  readonly mappingsOf: (provider: string) => Promise<void>;
  readonly models: () => Promise<void>;
};

/** One load after the other: of two that overlap, the one that read earlier could otherwise have the last word. */
export function catalogLoader(
  catalog: Catalog,
  store: Pick<MappingStore, "loadAll" | "ofProvider" | "loadKnown">,
): CatalogLoader {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (load: () => Promise<void>): Promise<void> => {
    const next = last.then(load, load);
    last = next;
    return next;
  };
  return {
    all: () =>
      inTurn(async () => {
        catalog.loadAllStored(await store.loadAll());
        catalog.loadKnown(await store.loadKnown());
      }),
    mappingsOf: (provider) =>
      inTurn(async () => catalog.loadStored(provider, await store.ofProvider(provider))),
    models: () => inTurn(async () => catalog.loadKnown(await store.loadKnown())),
  };
}
