/** What of the catalog somebody may see. */
import { findModel, modelNotFound } from "../../catalog/find.js";
import type { Mapping, Model } from "../../catalog/model.js";
import type { Caller } from "../../tenants/caller.js";
import { seesStaging } from "../../tenants/provider-rights.js";
import type { Site } from "../parts.js";

/** Callers with their own key reach every provider that is known; the others are those with a key of ours. */
export function isReachable({ gateway }: Site, mapping: Mapping): boolean {
  const configured = gateway.providers.get(mapping.provider);
  return (
    configured !== undefined && (configured.key !== undefined || !configured.provider.needsKey)
  );
}

/** A model with what the caller may see of it. Throws `model_not_found`. */
export function findVisible(site: Site, caller: Caller | undefined, id: string): Model {
  const { catalog } = site.gateway;
  const model = findModel(catalog, id);
  const mappings = visibleMappings(site, caller, model);
  if (!mappings) throw modelNotFound(catalog, id);
  return mappings === model.mappings ? model : { ...model, mappings };
}

/** A model's mappings without what is for others: mappings in staging, and providers that are not live. Undefined where nothing else is known of the model. */
export function visibleMappings(
  { gateway }: Site,
  caller: Caller | undefined,
  { mappings }: Model,
): readonly Mapping[] | undefined {
  const isHidden = ({ status, provider }: Mapping): boolean =>
    (status === "staging" || gateway.providers.get(provider)?.isForItsOrg === true) &&
    (caller === undefined || !seesStaging(gateway.directory, caller, provider));
  if (!mappings.some(isHidden)) return mappings;
  const shown = mappings.filter((mapping) => !isHidden(mapping));
  return shown.length > 0 ? shown : undefined;
}
