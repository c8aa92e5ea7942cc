/** Finding what somebody names, or saying what they may have meant. */
import { RouterError } from "../kernel/errors.js";
import type { Catalog } from "./catalog.js";
import type { Mapping, Model } from "./model.js";

/** Throws `model_not_found`. */
export function findModel(catalog: Catalog, id: string): Model {
  const model = catalog.model(id);
  if (model) return model;
  throw modelNotFound(catalog, id);
}

/** 404 `model_not_found`, with the ids that come nearest. */
export function modelNotFound(catalog: Catalog, id: string): RouterError {
  const similar = catalog.similar(id);
  return new RouterError("model_not_found", `There is no model "${id}".${didYouMean(similar)}`, {
    param: "model",
    extra: { did_you_mean: similar },
  });
}

/** A sentence to go behind another one; nothing where nothing comes near. */
export const didYouMean = (similar: readonly string[]): string =>
  similar.length > 0 ? ` Did you mean ${similar.join(" or ")}?` : "";

const POLICIES: readonly string[] = ["fastest", "cheapest", "preferred"];

/** The mappings of a model, or of the one provider that stands behind its colon. Throws `model_not_served`. */
export function mappingsOf(model: Model, suffix: string | undefined): readonly Mapping[] {
  if (suffix === undefined || POLICIES.includes(suffix)) return model.mappings;
  const mappings = model.mappings.filter(({ provider }) => provider === suffix);
  if (mappings.length > 0) return mappings;
  const servedBy = model.mappings.map(({ provider }) => provider);
  throw new RouterError(
    "model_not_served",
    `"${suffix}" does not serve ${model.id}. Served by ${servedBy.join(", ")}.`,
    { param: "model", extra: { did_you_mean: servedBy.map((id) => `${model.id}:${id}`) } },
  );
}
