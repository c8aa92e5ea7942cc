/** What a mapping is known by, in memory and in the store, also after it was read anew: `together conversational org/model`. */
import type { Task } from "../tasks/index.js";
import type { Mapping } from "./model.js";

export type MappingId = Pick<Mapping, "provider" | "task" | "modelId">;

/** Made once a mapping: every request asks for what is known of its mappings several times. */
const keys = new WeakMap<MappingId, string>();

/** One text for what tells a mapping from all others: `<provider> <task> <model>`. */
export function mappingKey(mapping: MappingId): string {
  let key = keys.get(mapping);
  if (key === undefined) {
    key = `${mapping.provider} ${mapping.task} ${mapping.modelId}`;
    keys.set(mapping, key);
  }
  return key;
}

/** Undefined for what is no such key. */
export function mappingIdIn(key: string): MappingId | undefined {
  const [provider, task, modelId] = key.split(" ");
  return provider && task && modelId ? { provider, task: task as Task, modelId } : undefined;
}
