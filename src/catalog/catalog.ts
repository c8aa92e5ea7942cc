import { SIMILAR_COMPARED_MAX } from "../kernel/limits.js";
import { type Layer, Layers } from "./layers.js";
import type { MappingId } from "./mapping-key.js";
import type { Mapping, Model } from "./model.js";
import { nearest } from "./nearest.js";
import { Renames } from "./renames.js";
import { isSameKnown, isSameModel } from "./same.js";
import type { KnownModel, KnownRows, Rename, StoredMapping } from "./stored.js";
import { StoredModels } from "./stored-models.js";
import type { Validation } from "./validation.js";
import { Validations } from "./validations.js";

/** What a catalog begins with. */
export type CatalogSources = {
  /** What popular providers offer, as it was when this version was made. */
  readonly starter?: readonly Model[];
  /** The operator's own word, which is the last. */
  readonly file?: readonly Model[];
  readonly renames?: readonly Rename[];
};

/** What can be served, by model id. Of two sources that have one mapping, one wins. */
export class Catalog {
  private readonly layers: Layers;
  private readonly models = new Map<string, Model>();
  private readonly stored = new StoredModels();
  /** Made when it is first asked for after a change. */
  private byName: ReadonlyMap<string, readonly Mapping[]> | undefined;
  private inOrder: readonly Model[] | undefined;
  private readonly renames: Renames;
  private readonly validations = new Validations();
  private knownModels: ReadonlyMap<string, KnownModel> = new Map();

  constructor({ starter = [], file = [], renames = [] }: CatalogSources) {
    this.renames = new Renames(renames);
    this.layers = new Layers({ starter, file });
    this.mergeAll();
  }

  /** Puts what a provider offers, by its own word, in the place of all its mappings, wherever those were written. */
  offer(provider: string, models: readonly Model[]): void {
    const isFirst = !this.layers.isTelling(provider);
    this.replace("provider", provider, models);
    if (isFirst) this.mergeAll();
  }

  /** Puts what the store has of a provider in the place of what it had. */
  loadStored(provider: string, rows: readonly StoredMapping[]): void {
    this.stored.load(provider, rows);
    this.replace("store", provider, this.stored.modelsOf(provider));
  }

  /** The same for all providers at once: those that are not among the rows have none. */
  loadAllStored(rows: readonly StoredMapping[]): void {
    const byProvider = Map.groupBy(rows, ({ provider }) => provider);
    for (const provider of new Set([...this.stored.providers(), ...byProvider.keys()])) {
      this.loadStored(provider, byProvider.get(provider) ?? []);
    }
  }

  /** Takes in what is known of models, for tag filters to go by, and which of them have other names now. */
  loadKnown({ models, renames }: KnownRows): void {
    const before = this.knownModels;
    const kept = models.map((model) => {
      const old = before.get(model.id);
      return old && isSameKnown(old, model) ? old : model;
    });
    this.knownModels = new Map(kept.map((model) => [model.id, model]));
    const isRenamed = this.renames.load(renames);
    for (const provider of this.stored.know(kept)) {
      this.replace("store", provider, this.stored.modelsOf(provider));
    }
    if (isRenamed) this.mergeAll();
    else for (const id of changedIn(before, this.knownModels)) this.merge(this.currentId(id));
  }

  /** Takes in what was found out about a mapping. */
  validated(validation: Validation): void {
    this.validations.take(validation);
    this.merge(this.currentId(validation.modelId));
  }

  /** What was last found out about a mapping, which may be about what it was before. */
  validationOf(mapping: Mapping): Validation | undefined {
    return this.validations.of(mapping);
  }

  /** A mapping as it was written, whatever was found out about it. */
  stated(mapping: Mapping): Mapping {
    return this.validations.stated(mapping);
  }

  /** By its id, or by one that it had: `id` of the answer is what it goes by now. */
  model(id: string): Model | undefined {
    return this.models.get(id) ?? this.models.get(this.renames.currentOf(id));
  }

  /** The id that a model goes by now; its own where nothing else is known. */
  currentId(id: string): string {
    return this.renames.currentOf(id);
  }

  all(): Iterable<Model> {
    return this.models.values();
  }

  /** All models in the order of their ids. */
  sorted(): readonly Model[] {
    this.inOrder ??= [...this.models.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    return this.inOrder;
  }

  /**
   * Up to three ids that look like this one, best first. What is in staging alone is told to nobody who has to guess, and
   * what tag filters bring along are too many to compare.
   */
  similar(id: string): readonly string[] {
    const names: string[] = [];
    for (const model of this.models.values()) {
      const isTold = model.mappings.some(({ status, tags }) => status !== "staging" && !tags);
      if (isTold && names.push(model.id) >= SIMILAR_COMPARED_MAX) break;
    }
    return nearest(id, names);
  }

  /** What the Hub or the operator said of a model, besides who serves it. */
  known(id: string): KnownModel | undefined {
    return this.knownModels.get(id);
  }

  /**
   * A provider's mappings by its own name for a model. Replicate's names end with a version, which is all that some of its
   * requests hold.
   */
  named(provider: string, providerModel: string): readonly Mapping[] {
    this.byName ??= byProvidersNames(this.models.values());
    return this.byName.get(`${provider} ${providerModel}`) ?? [];
  }

  /** What the operator's file says of a mapping, which nothing else overrides. */
  inFile(mapping: MappingId): Mapping | undefined {
    return this.layers.find("file", this.renames.namesOf(mapping.modelId), mapping);
  }

  /** Where the mapping that holds is written. */
  sourceOf(mapping: MappingId): Layer | undefined {
    return this.layers.layerOf(this.renames.namesOf(mapping.modelId), mapping);
  }

  /** How many models there are of which something is known besides who serves them. */
  get knownCount(): number {
    return this.knownModels.size;
  }

  private replace(layer: Layer, provider: string, models: readonly Model[]): void {
    for (const id of this.layers.replace(layer, provider, models)) this.merge(this.currentId(id));
  }

  private mergeAll(): void {
    const ids = new Set(this.models.keys());
    for (const id of this.layers.ids()) ids.add(this.currentId(id));
    for (const id of ids) this.merge(id);
  }

  private merge(id: string): void {
    this.byName = undefined;
    this.inOrder = undefined;
    const names = this.renames.namesOf(id);
    const found = this.currentId(id) === id ? this.layers.mappingsOf(id, names) : [];
    const mappings = found.map(({ mapping, layer }) =>
      this.validations.over(mapping, layer === "file"),
    );
    const [first] = mappings;
    if (!first) {
      this.models.delete(id);
      return;
    }
    const tags = this.knownModels.get(id)?.tags ?? this.layers.inFile(id)?.tags;
    const model: Model = {
      ...{ id, task: this.layers.taskOf(names) ?? first.task, mappings },
      ...(tags && { tags }),
    };
    const before = this.models.get(id);
    if (!before || !isSameModel(before, model)) this.models.set(id, model);
  }
}

function byProvidersNames(models: Iterable<Model>): ReadonlyMap<string, readonly Mapping[]> {
  const found = new Map<string, Mapping[]>();
  for (const { mappings } of models) {
    for (const mapping of mappings) {
      const { provider, providerModel } = mapping;
      const version = providerModel.slice(providerModel.lastIndexOf(":") + 1);
      for (const name of new Set([providerModel, version])) {
        const key = `${provider} ${name}`;
        const others = found.get(key);
        if (others) others.push(mapping);
        else found.set(key, [mapping]);
      }
    }
  }
  return found;
}

function* changedIn<Value>(
  before: ReadonlyMap<string, Value>,
  now: ReadonlyMap<string, Value>,
): Iterable<string> {
  for (const [id, value] of now) if (before.get(id) !== value) yield id;
  for (const id of before.keys()) if (!now.has(id)) yield id;
}
