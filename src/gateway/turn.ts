import { assert } from "../kernel/errors.js";
import {
  type ChatAdapter,
  chatAdapterOf,
  type Provider,
  type Target,
  type TaskAdapter,
} from "../providers/provider.js";
import type { Candidate } from "../routing/policy.js";
import { EMBEDDINGS, type Task } from "../tasks/index.js";
import type { Deadline } from "./deadline.js";
import type { Held } from "./money/hold.js";
import type { PaidTime } from "./money/paid-time.js";
import type { ConfiguredProvider, Gateway } from "./parts.js";
import type { Route } from "./route/candidates.js";
import type { Trail } from "./trail.js";

/** One candidate's turn at a request. */
export type Turn = {
  readonly candidate: Candidate;
  readonly held: Held;
  readonly deadline: Deadline;
  /** Undefined where time is not charged. */
  readonly time: PaidTime | undefined;
  /** When the candidate was chosen for it, and when it was sent; by `clock.elapsed()`. */
  readonly begunAt: number;
  readonly sentAt: number;
  /** Undefined where it is the only one. */
  readonly way?: Way;
};

/** How a request came to this turn, and where else it may go. */
export type Way = { readonly route: Route; readonly trail: Trail };

/** A candidate's provider as this installation reaches it; also one that was withdrawn since it became a candidate. */
export function configuredFor(gateway: Gateway, { mapping }: Candidate): ConfiguredProvider {
  const { providers, withdrawn } = gateway;
  const configured = providers.get(mapping.provider) ?? withdrawn.get(mapping.provider);
  assert(configured, "a candidate's provider is or was known");
  return configured;
}

/** How a candidate's chat is spoken. */
export function adapterFor(gateway: Gateway, candidate: Candidate): ChatAdapter {
  const { tasks } = configuredFor(gateway, candidate).provider;
  const adapter = chatAdapterOf(tasks, candidate.mapping.task);
  if (!adapter) throw new Error(`candidate without a chat route: ${candidate.mapping.provider}`);
  return adapter;
}

/** The adapter of the task that a model is mapped for, or of the other one that embeddings serve, if that was `asked`. */
export const taskAdapterFor = (
  gateway: Gateway,
  candidate: Candidate,
  asked: Task = candidate.mapping.task,
): TaskAdapter =>
  adapterOf(configuredFor(gateway, candidate).provider, candidate.mapping.task, asked);

/** The same of a provider and the task that its mapping is for. */
export function adapterOf({ id, tasks }: Provider, task: Task, asked: Task = task): TaskAdapter {
  const isEither = EMBEDDINGS.includes(task) && EMBEDDINGS.includes(asked);
  const chosen = isEither && tasks[asked] ? asked : task;
  assert(chosen !== "conversational", "chat has an adapter of its own kind");
  const adapter = tasks[chosen];
  assert(adapter, `the candidate ${id} has a route for ${chosen}`);
  return adapter;
}

/** As much of a mapping as adapters see. */
export const targetFor = ({ mapping }: Pick<Candidate, "mapping">): Target => ({
  providerModel: mapping.providerModel,
  modelId: mapping.modelId,
  loraWeights: mapping.loraWeights,
});
