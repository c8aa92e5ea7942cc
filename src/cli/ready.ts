import type { Mapping } from "../catalog/model.js";
import type { Config } from "../config/config.js";
import { EMBEDDED } from "../embedded/catalog.js";

/** Whether an offer can be called with the keys that this configuration has. */
export function isReady(config: Config, mapping: Mapping): boolean {
  if (mapping.provider === EMBEDDED) return config.embedded !== undefined;
  const settings = config.providers.get(mapping.provider);
  return settings !== undefined && (settings.key !== undefined || !settings.provider.needsKey);
}
