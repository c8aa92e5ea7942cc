/** What each of the catalog's sources says, and which of them holds where several have one mapping. */
import type { Mapping, Model } from "./model.js";
import { isSameList } from "./same.js";

/** From the one that wins to the one that gives way. */
const LAYERS = ["provider", "file", "store", "starter"] as const;
/** Where a mapping is written; `provider`: told while we run, by the provider itself. */
export type Layer = (typeof LAYERS)[number];

type Models = Map<string, Model>;
type Found = { readonly mapping: Mapping; readonly layer: Layer };

export class Layers {
  private readonly models: Readonly<Record<Layer, Models>> = {
    ...{ provider: new Map(), file: new Map(), store: new Map(), starter: new Map() },
  };
  /** Providers that tell their mappings while we run: what others say of them does not count. */
  private readonly telling = new Set<string>();
  /** By layer and provider: what was put there last. */
  private readonly told = new Map<string, ReadonlyMap<string, Model>>();

  constructor(beginning: { readonly [layer in "starter" | "file"]: readonly Model[] }) {
    for (const model of beginning.starter) putTogether(this.models.starter, model);
    for (const model of beginning.file) putTogether(this.models.file, model);
  }

  /** Whether a provider has told its mappings itself. */
  isTelling(provider: string): boolean {
    return this.telling.has(provider);
  }

  /**
   * Puts what a layer says of a provider in the place of what it said before. Returns the ids of the models for which
   * that is different: nothing else needs to be looked at again, and a provider may have thousands.
   */
  replace(layer: Layer, provider: string, models: readonly Model[]): ReadonlySet<string> {
    if (layer === "provider") this.telling.add(provider);
    const key = `${layer} ${provider}`;
    const before = this.told.get(key) ?? new Map<string, Model>();
    const now = new Map(models.map((model) => [model.id, model]));
    this.told.set(key, now);
    const isChanged = (id: string) => !isSameList(before.get(id)?.mappings, now.get(id)?.mappings);
    const touched = new Set([...before.keys(), ...now.keys()].filter(isChanged));
    for (const id of touched) {
      takeOut(this.models[layer], id, provider);
      const model = now.get(id);
      if (model) putTogether(this.models[layer], model);
    }
    return touched;
  }

  /** The ids that models are written under, some of them more than once. */
  *ids(): Iterable<string> {
    for (const layer of LAYERS) yield* this.models[layer].keys();
  }

  /** Of a model with these names, which goes by `id` now: each provider's mapping for each task once. */
  mappingsOf(id: string, names: readonly string[]): readonly Found[] {
    const found: Found[] = [];
    for (const layer of LAYERS) {
      for (const name of names) {
        for (const mapping of this.models[layer].get(name)?.mappings ?? []) {
          const { provider, task } = mapping;
          if (layer !== "provider" && this.telling.has(provider)) continue;
          const isSame = ({ mapping: one }: Found) =>
            one.provider === provider && one.task === task;
          if (found.some(isSame)) continue;
          found.push({ mapping: name === id ? mapping : underName(mapping, id), layer });
        }
      }
    }
    return found;
  }

  /** What a model is for is said by whoever lists models, not by whoever offers to serve one. */
  taskOf(names: readonly string[]): Model["task"] | undefined {
    for (const layer of ["file", "starter", "provider"] as const) {
      for (const name of names) {
        const task = this.models[layer].get(name)?.task;
        if (task) return task;
      }
    }
    return undefined;
  }

  /** What the operator's file says of a model by this id. */
  inFile(id: string): Model | undefined {
    return this.models.file.get(id);
  }

  /** What one layer says of a provider's mapping of a model with these names. */
  find(
    layer: Layer,
    names: readonly string[],
    { provider, task }: Pick<Mapping, "provider" | "task">,
  ): Mapping | undefined {
    return names
      .flatMap((name) => this.models[layer].get(name)?.mappings ?? [])
      .find((one) => one.provider === provider && one.task === task);
  }

  /** The layer that a mapping holds by. */
  layerOf(
    names: readonly string[],
    mapping: Pick<Mapping, "provider" | "task">,
  ): Layer | undefined {
    return LAYERS.find((layer) => this.find(layer, names, mapping) !== undefined);
  }
}

/** A source may name a model more than once; what it says last of a mapping holds. */
function putTogether(models: Map<string, Model>, model: Model): void {
  const known = models.get(model.id);
  const isReplaced = (old: Mapping) =>
    model.mappings.some((m) => m.provider === old.provider && m.task === old.task);
  const kept = known?.mappings.filter((old) => !isReplaced(old)) ?? [];
  models.set(model.id, known ? { ...model, mappings: [...model.mappings, ...kept] } : model);
}

/** Takes a provider's mappings of a model out, and the model with its last. */
function takeOut(models: Map<string, Model>, id: string, provider: string): void {
  const known = models.get(id);
  const kept = known?.mappings.filter((mapping) => mapping.provider !== provider) ?? [];
  if (!known || kept.length === 0) models.delete(id);
  else models.set(id, { ...known, mappings: kept });
}

/** Mappings that were written under a former name, made once, so that they stay the same objects. */
const moved = new WeakMap<Mapping, Mapping>();

/** A mapping as one of the model's present name. The same mapping gives the same object again. */
function underName(mapping: Mapping, modelId: string): Mapping {
  const known = moved.get(mapping);
  if (known?.modelId === modelId) return known;
  const made = { ...mapping, modelId };
  moved.set(mapping, made);
  return made;
}
