/** A model and a task, and nothing of a request yet: who would serve it. */
import { type Assumed, typicalUsage } from "../../metering/typical.js";
import { chatAdapterOf } from "../../providers/provider.js";
import type { Task } from "../../tasks/index.js";
import type { Routed, Wish } from "./eligible.js";

export type RoutedModel = Routed & {
  readonly request: Routed["request"] & { readonly task: Task; readonly assumed: Assumed };
};

export const modelWish: Wish<RoutedModel> = {
  tasks: ({ request }) => [request.task],
  isServed: ({ tasks }, task) =>
    chatAdapterOf(tasks, task) !== undefined || tasks[task] !== undefined,
  fault: () => undefined,
  doubt: () => undefined,
  unmet: () => undefined,
  expectedUsage: (_, { request: { task, assumed } }) => typicalUsage(task, assumed),
};
