/** What most adapters send and answer. */
import type { Json, TaskInput } from "../tasks/task-call.js";
import type { Usage } from "../tasks/usage.js";
import type { PassRoute, ProviderRequest, Step } from "./provider.js";

export const postJson = (path: string, json: unknown): ProviderRequest => ({
  method: "POST",
  path,
  body: { kind: "json", json },
});

/** Everything but `inputs`, side by side, as OpenAI-shaped APIs want it. Parameters win over what stood beside them. */
export const flat = ({ extra, parameters }: TaskInput): Json => ({ ...extra, ...parameters });

export function without(json: Json, ...names: readonly string[]): Json {
  const kept = Object.entries(json).filter(([name]) => !names.includes(name));
  return Object.fromEntries(kept);
}

export const doneWith = (json: unknown, usage?: Usage): Step => ({
  kind: "done",
  output: { kind: "json", json },
  ...(usage && { usage }),
});

/** A route of the provider's own for one task, on which the body names the model. */
export const modelRoute = (path: string, task: PassRoute["tasks"][number]): PassRoute => ({
  method: "POST",
  path,
  tasks: [task],
  model: "model",
});
