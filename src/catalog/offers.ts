/** Models of one source, put together from the offers that it names. */
import type { Mapping, Model } from "./model.js";

/** A source may name a model more than once; what it says last of an offer holds. */
export function putTogether(models: Map<string, Model>, model: Model): void {
  const known = models.get(model.id);
  const isReplaced = (old: Mapping) =>
    model.mappings.some((m) => m.provider === old.provider && m.task === old.task);
  const kept = known?.mappings.filter((old) => !isReplaced(old)) ?? [];
  models.set(model.id, known ? { ...model, mappings: [...model.mappings, ...kept] } : model);
}

/** Takes a provider's offers of a model out, and the model with its last. */
export function takeOut(models: Map<string, Model>, id: string, provider: string): void {
  const known = models.get(id);
  const kept = known?.mappings.filter((mapping) => mapping.provider !== provider) ?? [];
  if (!known || kept.length === 0) models.delete(id);
  else models.set(id, { ...known, mappings: kept });
}

/** Offers that were written under a former name, made once, so that they stay the same objects. */
const moved = new WeakMap<Mapping, Mapping>();

/** An offer as one of the model's present name. The same offer gives the same object again. */
export function underName(mapping: Mapping, modelId: string): Mapping {
  const known = moved.get(mapping);
  if (known?.modelId === modelId) return known;
  const made = { ...mapping, modelId };
  moved.set(mapping, made);
  return made;
}
