import type { Mapping, Model } from "./model.js";
import { nearest } from "./nearest.js";

/** What can be served, by model id. Later sources override earlier ones, mapping by mapping. */
export class Catalog {
  private readonly models = new Map<string, Model>();

  constructor(...sources: readonly (readonly Model[])[]) {
    for (const source of sources) for (const model of source) this.add(model);
  }

  /** Puts a provider's offers in the place of all that it offered before. */
  offer(provider: string, models: readonly Model[]): void {
    for (const model of this.models.values()) {
      const kept = model.mappings.filter((mapping) => mapping.provider !== provider);
      if (kept.length === 0) this.models.delete(model.id);
      else if (kept.length < model.mappings.length)
        this.models.set(model.id, { ...model, mappings: kept });
    }
    for (const model of models) this.add(model);
  }

  model(id: string): Model | undefined {
    return this.models.get(id);
  }

  all(): Iterable<Model> {
    return this.models.values();
  }

  /** Up to three ids that look like this one, best first. */
  similar(id: string): readonly string[] {
    return nearest(id, [...this.models.keys()]);
  }

  private add(model: Model): void {
    const known = this.models.get(model.id);
    const isReplaced = (old: Mapping) =>
      model.mappings.some((m) => m.provider === old.provider && m.task === old.task);
    const kept = known?.mappings.filter((old) => !isReplaced(old)) ?? [];
    this.models.set(model.id, { ...model, mappings: [...model.mappings, ...kept] });
  }
}
