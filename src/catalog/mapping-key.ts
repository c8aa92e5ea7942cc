import type { Mapping } from "./model.js";

/** Made once a mapping: every request asks for what is known of its mappings several times. */
const keys = new WeakMap<Mapping, string>();

/** What a mapping is known by in memory and in the store, also after it was read anew: `together conversational org/model`. */
export function mappingKey(mapping: Mapping): string {
  let key = keys.get(mapping);
  if (key === undefined) {
    key = `${mapping.provider} ${mapping.task} ${mapping.modelId}`;
    keys.set(mapping, key);
  }
  return key;
}
