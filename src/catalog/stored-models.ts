/** The store's rows as models: single mappings as they are, tag filters for every known model with all of their tags. */
import type { Mapping, Model } from "./model.js";
import { isSameMapping } from "./same.js";
import type { KnownModel, StoredMapping } from "./stored.js";

export class StoredModels {
  private readonly rows = new Map<string, readonly StoredMapping[]>();
  /** What was made of a provider's rows last time. */
  private readonly made = new Map<string, ReadonlyMap<string, Mapping>>();
  private known: readonly KnownModel[] = [];

  providers(): readonly string[] {
    return [...this.rows.keys()];
  }

  /** Puts a provider's rows in the place of all it had. */
  load(provider: string, rows: readonly StoredMapping[]): void {
    if (rows.length > 0) this.rows.set(provider, rows);
    else this.rows.delete(provider);
  }

  /** Returns the providers whose mappings may be others for it. */
  know(models: readonly KnownModel[]): readonly string[] {
    this.known = models;
    const goByTags = (rows: readonly StoredMapping[]) =>
      rows.some(({ subject }) => subject.kind === "tags");
    return [...this.rows].flatMap(([provider, rows]) => (goByTags(rows) ? [provider] : []));
  }

  /** What a provider offers by now. What did not change is the same object as before: others key what they know by it. */
  modelsOf(provider: string): readonly Model[] {
    const before = this.made.get(provider);
    const made = new Map<string, Mapping>();
    for (const mapping of this.mappingsOf(provider)) {
      const key = `${mapping.task} ${mapping.modelId}`;
      // A mapping of its own goes before a filter that also fits, and the older filter before the younger.
      if (made.has(key)) continue;
      const old = before?.get(key);
      made.set(key, old && isSameMapping(old, mapping) ? old : mapping);
    }
    if (made.size > 0) this.made.set(provider, made);
    else this.made.delete(provider);
    const byModel = Map.groupBy(made.values(), ({ modelId }) => modelId);
    return [...byModel].map(([id, mappings]) => ({ id, task: taskOf(mappings), mappings }));
  }

  private *mappingsOf(provider: string): Iterable<Mapping> {
    const rows = this.rows.get(provider) ?? [];
    for (const row of rows) {
      if (row.subject.kind === "model") yield mappingFor(row, row.subject.model);
    }
    for (const row of rows) {
      const { subject } = row;
      if (subject.kind !== "tags") continue;
      for (const model of this.known) {
        if (subject.tags.every((tag) => model.tags.includes(tag))) yield byTags(row, model);
      }
    }
  }
}

const taskOf = (mappings: readonly Mapping[]): Mapping["task"] => {
  const [first] = mappings;
  if (!first) throw new Error("a model without a mapping");
  return first.task;
};

function mappingFor(row: StoredMapping, modelId: string): Mapping {
  const { provider, task, providerModel, status, facts, price, id } = row;
  return {
    ...{ modelId, task, provider, providerModel, status, ...facts },
    ...{ price: price.price, isFree: price.isFree },
    ...{ source: price.source, pricedAt: price.validFrom, id },
  };
}

function byTags(row: StoredMapping, model: KnownModel): Mapping {
  const { loraWeights } = model;
  const tags = row.subject.kind === "tags" ? row.subject.tags : [];
  return {
    ...mappingFor(row, model.id),
    tags,
    ...(loraWeights !== undefined && { loraWeights }),
  };
}
